"""The codes of diagnostics."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Every mistake that the loader knows. Each code has a page in service/docs/errors/."""

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
    # YAML
    YAML_SYNTAX = "yaml-syntax"
    YAML_TAB = "yaml-tab"
    YAML_DUPLICATE_KEY = "yaml-duplicate-key"
    YAML_TRAP = "yaml-trap"
    YAML_ALIAS = "yaml-alias"
    YAML_DEPTH = "yaml-depth"
    YAML_UNSUPPORTED = "yaml-unsupported"
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
    STAGE_CYCLE = "stage-cycle"
    NO_SAFE_SIDE = "no-safe-side"
    NO_ORDER = "no-order"
    INCOMPLETE_OUTPUT = "incomplete-output"
    # Time
    INVALID_DURATION = "invalid-duration"
    DAY_DURATION = "day-duration"
    INVALID_DATE = "invalid-date"
    INVALID_INTERVAL = "invalid-interval"
    INVALID_TIMEZONE = "invalid-timezone"
    CALENDAR_YEAR = "calendar-year"
    # Tables and templates
    TABLE_WIDTH = "table-width"
    TABLE_EMPTY = "table-empty"
    TEMPLATE_SYNTAX = "template-syntax"
    UNKNOWN_PLACEHOLDER = "unknown-placeholder"


WARNINGS = frozenset(
    {
        Code.UNKNOWN_EVENT_TYPE,
        Code.DUPLICATE_TERM,
        Code.NO_SAFE_SIDE,
        Code.NO_ORDER,
        Code.CALENDAR_YEAR,
        Code.UNKNOWN_PLACEHOLDER,
    }
)
"""Codes that do not refuse the rulebook."""
