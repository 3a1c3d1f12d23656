"""The codes of diagnostics."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Every mistake that the loader knows. Each code has a page in a folder of service/docs/errors/."""

    # Files
    FOLDER_MISSING = "folder-missing"
    FOLDER_EMPTY = "folder-empty"
    FOLDER_TOO_LARGE = "folder-too-large"
    FILE_UNREADABLE = "file-unreadable"
    FILE_TOO_LARGE = "file-too-large"
    FILE_ENCODING = "file-encoding"
    FILE_EMPTY = "file-empty"
    FILE_KIND = "file-kind"
    TOO_MANY_MISTAKES = "too-many-mistakes"
    ENGINE_LIMIT = "engine-limit"
    # Suppressions
    BAD_SUPPRESSION = "bad-suppression"
    UNUSED_SUPPRESSION = "unused-suppression"
    # YAML
    YAML_SYNTAX = "yaml-syntax"
    YAML_TAB = "yaml-tab"
    YAML_DUPLICATE_KEY = "yaml-duplicate-key"
    YAML_TRAP = "yaml-trap"
    YAML_ALIAS = "yaml-alias"
    YAML_DEPTH = "yaml-depth"
    YAML_UNSUPPORTED = "yaml-unsupported"
    YAML_PUNCTUATION = "yaml-punctuation"
    YAML_CUT = "yaml-cut"
    # Shape
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    WRONG_VALUE = "wrong-value"
    EMPTY_LIST = "empty-list"
    INVALID_ID = "invalid-id"
    DUPLICATE_ID = "duplicate-id"
    MISSING_BECAUSE = "missing-because"
    NO_VOCABULARY = "no-vocabulary"
    NO_RULES = "no-rules"
    # Conditions
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_VALUE = "unknown-value"
    UNKNOWN_OPERATOR = "unknown-operator"
    WRONG_OPERATOR = "wrong-operator"
    INVALID_REGEX = "invalid-regex"
    NEVER_TRUE = "never-true"
    NEVER_RESUMES = "never-resumes"
    # References
    UNKNOWN_LEXICON = "unknown-lexicon"
    UNKNOWN_CALENDAR = "unknown-calendar"
    UNKNOWN_CLOCK = "unknown-clock"
    UNKNOWN_LADDER = "unknown-ladder"
    UNKNOWN_TEMPLATE = "unknown-template"
    UNKNOWN_ROLE = "unknown-role"
    UNKNOWN_DEPARTMENT = "unknown-department"
    UNKNOWN_EVENT_TYPE = "unknown-event-type"
    LEXICON_CYCLE = "lexicon-cycle"
    DUPLICATE_TERM = "duplicate-term"
    # Stages
    UNKNOWN_STAGE = "unknown-stage"
    UNKNOWN_OUTPUT = "unknown-output"
    OUTPUT_NOT_DERIVED = "output-not-derived"
    READS_LATER_STAGE = "reads-later-stage"
    NO_SAFE_SIDE = "no-safe-side"
    NO_ORDER = "no-order"
    INCOMPLETE_OUTPUT = "incomplete-output"
    # Time
    INVALID_DURATION = "invalid-duration"
    DAY_DURATION = "day-duration"
    INVALID_DATE = "invalid-date"
    INVALID_INTERVAL = "invalid-interval"
    INVALID_TIME = "invalid-time"
    INVALID_TIMEZONE = "invalid-timezone"
    CALENDAR_YEAR = "calendar-year"
    CALENDAR_WITHOUT_YEAR = "calendar-without-year"
    CALENDAR_ENDS = "calendar-ends"
    CALENDAR_PROVISIONAL = "calendar-provisional"
    HOLIDAY_RANGE = "holiday-range"
    HOLIDAYS_UNPUBLISHED = "holidays-unpublished"
    ICS_FILE = "ics-file"
    ICS_UNUSED = "ics-unused"
    CLOCK_NEVER_RUNS = "clock-never-runs"
    CLOCK_NEVER_MET = "clock-never-met"
    UNREACHABLE_STEP = "unreachable-step"
    SKIPPED_STEP = "skipped-step"
    SAME_STEP = "same-step"
    # Tables
    TABLE_WIDTH = "table-width"
    TABLE_EMPTY = "table-empty"
    CSV_SYNTAX = "csv-syntax"
    CSV_HEADER = "csv-header"
    CSV_CELL = "csv-cell"
    CSV_PATH = "csv-path"
    CSV_MISSING = "csv-missing"
    CSV_SHARED = "csv-shared"
    CSV_UNUSED = "csv-unused"
    # Rule templates
    UNKNOWN_RULE_TEMPLATE = "unknown-rule-template"
    UNKNOWN_PARAMETER = "unknown-parameter"
    MISSING_PARAMETER = "missing-parameter"
    WRONG_PARAMETER = "wrong-parameter"
    UNUSED_PARAMETER = "unused-parameter"
    UNUSED_RULE_TEMPLATE = "unused-rule-template"
    RULE_TEMPLATE_CYCLE = "rule-template-cycle"
    RULE_TEMPLATE_SIZE = "rule-template-size"
    # Scores
    SCORE_UNMAPPED = "score-unmapped"
    SCORE_DIVISION = "score-division"
    SCORE_RANGE = "score-range"
    SCORE_OUTPUT = "score-output"
    # Templates
    TEMPLATE_SYNTAX = "template-syntax"
    UNKNOWN_PLACEHOLDER = "unknown-placeholder"
    # Declared and not used
    UNUSED_LEXICON = "unused-lexicon"
    UNUSED_CALENDAR = "unused-calendar"
    UNUSED_CLOCK = "unused-clock"
    UNUSED_LADDER = "unused-ladder"
    UNUSED_TEMPLATE = "unused-template"
    UNUSED_ROLE = "unused-role"
    UNUSED_FIELD = "unused-field"
    NEVER_SET = "never-set"
    # Proofs
    GAP = "gap"
    OVERLAP = "overlap"
    CONFLICT = "conflict"
    SHADOWED_RULE = "shadowed-rule"
    UNREACHABLE_RULE = "unreachable-rule"
    REDUNDANT_ROW = "redundant-row"
    NEVER_WINS = "never-wins"
    NOT_ANALYSABLE = "not-analysable"
    NOT_PROTECTED = "not-protected"
    # Rule tests
    TEST_DUPLICATE_CASE = "test-duplicate-case"
    TEST_EMPTY = "test-empty"
    TEST_EVENT_TYPE = "test-event-type"
    TEST_FIXTURE_CYCLE = "test-fixture-cycle"
    TEST_NO_EVENT = "test-no-event"
    TEST_NO_EXPECTATION = "test-no-expectation"
    TEST_PARAMETER = "test-parameter"
    TEST_TIME_ORDER = "test-time-order"
    TEST_TOO_MANY_CASES = "test-too-many-cases"
    TEST_UNKNOWN_EFFECT = "test-unknown-effect"
    TEST_UNKNOWN_EXPECTATION = "test-unknown-expectation"
    TEST_UNKNOWN_FIXTURE = "test-unknown-fixture"
    TEST_UNKNOWN_FLAG = "test-unknown-flag"
    TEST_UNKNOWN_REQUEST = "test-unknown-request"
    TEST_UNKNOWN_RULE = "test-unknown-rule"
    TEST_WRONG_FACT = "test-wrong-fact"


WARNINGS = frozenset(
    {
        Code.UNKNOWN_EVENT_TYPE,
        Code.DUPLICATE_TERM,
        Code.NO_SAFE_SIDE,
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
        Code.UNREACHABLE_STEP,
        Code.SAME_STEP,
        Code.UNUSED_LEXICON,
        Code.UNUSED_CALENDAR,
        Code.UNUSED_CLOCK,
        Code.UNUSED_LADDER,
        Code.UNUSED_TEMPLATE,
        Code.UNUSED_ROLE,
        Code.NEVER_SET,
        Code.OVERLAP,
        Code.SHADOWED_RULE,
        Code.UNREACHABLE_RULE,
        Code.NEVER_WINS,
    }
)
"""Codes that do not refuse the rulebook."""

NOTES = frozenset(
    {
        Code.SKIPPED_STEP,
        Code.UNUSED_FIELD,
        Code.CALENDAR_PROVISIONAL,
        Code.GAP,
        Code.CONFLICT,
        Code.REDUNDANT_ROW,
        Code.NOT_ANALYSABLE,
    }
)
"""Codes of remarks: worth knowing, nothing to do. `answerby check --strict` lets them pass."""

PROOFS = frozenset(
    {
        Code.GAP,
        Code.OVERLAP,
        Code.CONFLICT,
        Code.SHADOWED_RULE,
        Code.UNREACHABLE_RULE,
        Code.REDUNDANT_ROW,
        Code.NEVER_WINS,
        Code.NOT_ANALYSABLE,
        Code.NOT_PROTECTED,
    }
)
"""Codes that only the proofs find (answerby.workbench.proofs), so a load alone cannot say that one does not occur."""


class Severity(StrEnum):
    ERROR = "error"
    """The rulebook is refused."""
    WARNING = "warning"
    """The rulebook is loaded; `answerby check --strict` refuses it."""
    NOTE = "note"
    """Worth knowing."""


def severity_of(code: Code) -> Severity:
    """Every code has one severity, wherever it is found."""
    if code in WARNINGS:
        return Severity.WARNING
    return Severity.NOTE if code in NOTES else Severity.ERROR
