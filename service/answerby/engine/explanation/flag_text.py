"""Flags in words, with their instants in the zone of the reader."""

# Stays interpreted: it makes words for people, beside the decision.
from __future__ import annotations

import re
from datetime import datetime, tzinfo

from answerby.domain.message_words import local_time

TELLS_INSTANTS = frozenset({"ABSORBED", "BEFORE_REQUEST", "IN_THE_FUTURE", "OUT_OF_ORDER", "RETROACTIVE"})
"""The codes of flags that tell when something happened. Others quote what was sent, and are shown as they are."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def flag_text(code: str, message: str, zone: tzinfo) -> str:
    """Such as `OUT_OF_ORDER: a later event, of 2026-03-02 14:00 +0800, was decided before this one`.

    Stored flags have the instants of the decision, in whatever zone it was made.
    """
    if code in TELLS_INSTANTS:
        message = _INSTANT.sub(lambda found: _shown(found.group(), zone), message)
    return f"{code}: {message}"


def _shown(text: str, zone: tzinfo) -> str:
    try:
        return local_time(datetime.fromisoformat(text), zone)
    except ValueError:
        # Part of an id that only looks like an instant.
        return text
