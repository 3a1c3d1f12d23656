"""The names that rule files declare and refer to during one load."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from zoneinfo import ZoneInfo

from answerby.rules.model.rulebook import ACKNOWLEDGER, OWNER
from answerby.rules.model.vocabulary import Field
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, Place
from answerby.sla.calendar import ALWAYS


class NameKind(StrEnum):
    """Kinds of names. The same name may stand for things of different kinds."""

    LEXICON = "lexicon"
    CALENDAR = "calendar"
    CLOCK = "clock"
    LADDER = "ladder"
    SCHEDULE = "schedule"
    TEMPLATE = "template"
    RULE_TEMPLATE = "rule-template"
    ROLE = "role"
    DEPARTMENT = "department"
    RULE = "rule"
    FIELD = "field"


BUILTIN_NAMES = ((NameKind.CALENDAR, ALWAYS.id), (NameKind.ROLE, OWNER), (NameKind.ROLE, ACKNOWLEDGER))

_SECTION = {
    NameKind.LEXICON: "lexicons",
    NameKind.CALENDAR: "calendar",
    NameKind.CLOCK: "clocks",
    NameKind.LADDER: "ladders",
    NameKind.SCHEDULE: "schedules",
    NameKind.TEMPLATE: "templates",
    NameKind.RULE_TEMPLATE: "rule_templates",
    NameKind.ROLE: "rulebook",
    NameKind.DEPARTMENT: "rulebook",
    NameKind.RULE: "stage",
    NameKind.FIELD: "fields",
}
"""The section that declares names of a kind."""
_DECLARE = {
    **{kind: f"declare it in `{section}:`, or use another" for kind, section in _SECTION.items()},
    NameKind.FIELD: "declare it in the vocabulary, with its type",
    NameKind.ROLE: "declare it in `roles:` of the rulebook",
    NameKind.DEPARTMENT: "declare it in `departments:` of the rulebook, with its code",
    NameKind.CALENDAR: "add a file with `calendar:`",
}


_BUILT_IN = Place("", 0, 0)


class NameScope:
    """The declared names with their places, the report, and the reader of one load.

    A name counts as declared even when the rest of its declaration is wrong. One mistake then makes one diagnostic.
    """

    def __init__(self, report: DiagnosticReport) -> None:
        self.report = report
        self.reader = NodeReader(report)
        self.zone = ZoneInfo("Asia/Shanghai")
        """The time zone of dates without a time of day."""
        self.fields: dict[str, Field] = {}
        self.step_places: dict[str, list[Place]] = {}
        """The places of the steps, by ladder."""
        self.calendars_without_years: dict[str, tuple[Place, frozenset[int]]] = {}
        """Calendars with dated days off that do not list their years: the place, and the years of the dates."""
        self._declared: dict[NameKind, dict[str, Place]] = {kind: {} for kind in NameKind}
        self._references: dict[NameKind, set[str]] = {kind: set() for kind in NameKind}
        for kind, name in BUILTIN_NAMES:
            self._declared[kind][name] = _BUILT_IN

    def declare(self, kind: NameKind, name: str, at: Node) -> bool:
        """Declares a name. False, with a diagnostic, when the name is declared already."""
        first = self._declared[kind].get(name)
        if first is None:
            self._declared[kind][name] = at.place
            return True
        where = f"in {first.file}:{first.line}" if first.file else "built in"
        hint = "put a {parameter} that differs into the id" if at.place.template else "give each its own id"
        self.report.add(Code.DUPLICATE_ID, at, f"the {kind} {name} is already {where}", hint)
        return False

    def names(self, kind: NameKind) -> Iterable[str]:
        """All declared names of a kind."""
        return self._declared[kind]

    def place_of(self, kind: NameKind, name: str) -> Place:
        """The place of a declaration. Line 0 for a built-in or unknown name."""
        return self._declared[kind].get(name, _BUILT_IN)

    def is_unused(self, kind: NameKind, name: str) -> bool:
        """Whether nothing refers to the name so far."""
        return name not in self._references[kind]

    def unused(self, kind: NameKind) -> list[str]:
        """The declared names that nothing refers to so far, without built-in names."""
        declared = self._declared[kind]
        return sorted(name for name, at in declared.items() if at.line and name not in self._references[kind])

    def refer(self, kind: NameKind, node: Node) -> str | None:
        """The name that a node refers to. None, with a diagnostic, when no such name is declared."""
        name = self.reader.text(node, str(kind))
        return name if name is not None and self.knows(kind, name, node) else None

    def knows(self, kind: NameKind, name: str, at: Node) -> bool:
        """Whether the name is declared. The question counts as a use of the name.

        An unknown name is reported, unless a broken file may have declared it.
        """
        if name in self._declared[kind]:
            self._references[kind].add(name)
            return True
        if not self.report.may_have_lost(_SECTION[kind]):
            hint = self.report.suggest(name, self._declared[kind]) or _DECLARE[kind]
            self.report.add(Code(f"unknown-{kind}"), at, f"there is no {str(kind).replace('-', ' ')} {name}", hint)
        return False

    def refer_all(self, kind: NameKind, node: Node) -> list[str]:
        """The declared names in a list, or the one in a scalar."""
        found = (self.refer(kind, item) for item in self.reader.one_or_more(node, f"{kind} list"))
        return [name for name in found if name is not None]
