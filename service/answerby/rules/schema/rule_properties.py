"""Descriptions of the properties that rules, tables and rows share."""

from __future__ import annotations

from answerby.rules.schema.building_blocks import NONEMPTY_TEXT, with_description

RULE_REASON = with_description(
    NONEMPTY_TEXT, "Why this is so; shown to whoever asks why a request was decided as it was."
)


OWNER_HELP = "The department (or role) that answers for it."


START_HELP = "The first day on which it holds: 2026-01-31, or an instant with offset."


END_HELP = "The last day on which it holds."


MODE_HELP = "shadow: matched and explained, but it decides nothing yet."


PROTECTED_HELP = "It must be proved that no other rule ever takes its place; an error otherwise."
