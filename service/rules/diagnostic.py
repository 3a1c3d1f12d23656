"""Diagnostics: what is wrong in the rule files, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from service.rules.nodes import Node, Place


class Severity(StrEnum):
    ERROR = "error"
    """The rulebook is refused."""
    WARNING = "warning"


class Code(StrEnum):
    """Every mistake that the loader knows. Each code has a page in service/docs/errors/."""

    # Files
    FOLDER_MISSING = "folder-missing"
    FOLDER_EMPTY = "folder-empty"
    FILE_UNREADABLE = "file-unreadable"
    FILE_TOO_LARGE = "file-too-large"
    FILE_ENCODING = "file-encoding"
    FILE_EMPTY = "file-empty"
    FILE_KIND = "file-kind"
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


WARNINGS = frozenset({Code.UNKNOWN_EVENT_TYPE, Code.DUPLICATE_TERM, Code.NO_SAFE_SIDE, Code.CALENDAR_YEAR})
"""Codes that do not refuse the rulebook."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake. `file` is relative to the rule folder, with `/`; `line` and `column` count from 1."""

    code: str
    severity: str
    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}:{self.column} {self.code} {self.message}"
        return f"{text} ({self.hint})" if self.hint else text


class Report:
    """Collects the diagnostics of one load. `incomplete` names the sections that a broken file may have held."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self.incomplete: set[str] = set()

    def add(self, code: Code, at: Node | Place, message: str, hint: str = "") -> None:
        place = at if isinstance(at, Place) else at.place
        severity = Severity.WARNING if code in WARNINGS else Severity.ERROR
        self._found.append(Diagnostic(code, severity, place.file, place.line, place.column, message, hint))

    @property
    def has_errors(self) -> bool:
        return any(d.severity == Severity.ERROR for d in self._found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All diagnostics by place, each once; independent of the order in which files were read."""
        return tuple(sorted(set(self._found), key=lambda d: (d.file, d.line, d.column, d.code, d.message)))


MAX_LISTED = 12


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the nearest known one, else the known ones when they are few."""
    names = sorted(known)
    by_fold = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_fold[near[0]]}?"
    ends = [n for n in names if n.rpartition(".")[2].casefold() == name.rpartition(".")[2].casefold()]
    if ends:
        return f"did you mean {ends[0]}?"
    if names and len(names) <= MAX_LISTED:
        return "known: " + ", ".join(names)
    return ""
