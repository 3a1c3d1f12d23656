"""The severity of each diagnostic code."""

from __future__ import annotations

from enum import StrEnum

from answerby.rules.text.diagnostic_codes import Code

WARNING_CODES = frozenset(
    {
        Code.UNKNOWN_EVENT_TYPE,
        Code.DUPLICATE_TERM,
        Code.NO_SAFE_SIDE,
        Code.ONE_EVENT,
        Code.TOLD_ONCE,
        Code.NO_ORDER,
        Code.CALENDAR_YEAR,
        Code.UNKNOWN_PLACEHOLDER,
        Code.UNUSED_PARAMETER,
        Code.UNUSED_RULE_TEMPLATE,
        Code.BAD_SUPPRESSION,
        Code.UNUSED_SUPPRESSION,
        Code.YAML_PUNCTUATION,
        Code.YAML_CUT,
        Code.CALENDAR_ENDS,
        Code.HOLIDAY_RANGE,
        Code.HOLIDAYS_UNPUBLISHED,
        Code.ICS_UNUSED,
        Code.CLOCK_NEVER_RUNS,
        Code.CLOCK_NEVER_MET,
        Code.PAUSE_NEVER_HOLDS,
        Code.TRIGGER_NEVER_FIRES,
        Code.UNREACHABLE_STEP,
        Code.SAME_STEP,
        Code.UNUSED_LEXICON,
        Code.UNUSED_CALENDAR,
        Code.UNUSED_CLOCK,
        Code.UNUSED_LADDER,
        Code.UNUSED_TEMPLATE,
        Code.UNUSED_ROLE,
        Code.NEVER_SET,
        Code.GAP,
        Code.OVERLAP,
        Code.SHADOWED_RULE,
        Code.UNREACHABLE_RULE,
        Code.NEVER_WINS,
        Code.MAPPING_UNKNOWN_FACT,
        Code.RAISE_LOSES_TARGET,
    }
)
"""Codes of findings with which a rulebook is still loaded."""


NOTE_CODES = frozenset(
    {
        Code.SKIPPED_STEP,
        Code.UNUSED_FIELD,
        Code.CALENDAR_PROVISIONAL,
        Code.CONFLICT,
        Code.REDUNDANT_ROW,
        Code.NOT_ANALYSABLE,
    }
)
"""Codes of remarks that ask for no action. `answerby check --strict` accepts them."""


PROOF_CODES = frozenset(
    {
        Code.GAP,
        Code.INCOMPLETE_TABLE,
        Code.OVERLAP,
        Code.CONFLICT,
        Code.SHADOWED_RULE,
        Code.UNREACHABLE_RULE,
        Code.REDUNDANT_ROW,
        Code.NEVER_WINS,
        Code.NOT_ANALYSABLE,
        Code.NOT_PROTECTED,
        Code.RAISE_LOSES_TARGET,
        Code.CLOCK_NEVER_RUNS,
        Code.CLOCK_NEVER_MET,
        Code.PAUSE_NEVER_HOLDS,
        Code.TRIGGER_NEVER_FIRES,
    }
)
"""Codes that only the proofs find (answerby.workbench.proofs). A load alone cannot tell that one does not occur."""


class Severity(StrEnum):
    """The weight of a finding."""

    ERROR = "error"
    """The rulebook is refused."""
    WARNING = "warning"
    """The rulebook is loaded; `answerby check --strict` refuses it."""
    NOTE = "note"
    """The finding asks for no action."""


def severity_of(code: Code) -> Severity:
    """The severity of a code. A code has the same severity wherever it is found."""
    if code in WARNING_CODES:
        return Severity.WARNING
    return Severity.NOTE if code in NOTE_CODES else Severity.ERROR
