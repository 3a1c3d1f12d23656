"""What is known while rule files are checked: the names of everything that may be referred to."""

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
    """Kinds of things that have ids and are referred to by them."""

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
"""The section that declares a kind."""
_DECLARE = {
    **{kind: f"declare it in `{section}:`, or use another" for kind, section in _SECTION.items()},
    NameKind.FIELD: "declare it in the vocabulary, with its type",
    NameKind.ROLE: "declare it in `roles:` of the rulebook",
    NameKind.DEPARTMENT: "declare it in `departments:` of the rulebook, with its code",
    NameKind.CALENDAR: "add a file with `calendar:`",
}


_BUILT_IN = Place("", 0, 0)


class NameScope:
    """Names, with the place where each was declared, whether or not the rest of its declaration was right."""

    def __init__(self, report: DiagnosticReport) -> None:
        self.report = report
        self.reader = NodeReader(report)
        self.zone = ZoneInfo("Asia/Shanghai")
        """What a date without a time of day is a day of."""
        self.fields: dict[str, Field] = {}
        self.step_places: dict[str, list[Place]] = {}
        """Of each ladder, where its steps are written."""
        self._declared: dict[NameKind, dict[str, Place]] = {kind: {} for kind in NameKind}
        self._used: dict[NameKind, set[str]] = {kind: set() for kind in NameKind}
        for kind, name in BUILTIN_NAMES:
            self._declared[kind][name] = _BUILT_IN

    def declare(self, kind: NameKind, name: str, at: Node) -> bool:
        """Registers a name. False, with a diagnostic, when it is taken."""
        first = self._declared[kind].get(name)
        if first is None:
            self._declared[kind][name] = at.place
            return True
        where = f"in {first.file}:{first.line}" if first.file else "built in"
        hint = "put a {parameter} that differs into the id" if at.place.template else "give each its own id"
        self.report.add(Code.DUPLICATE_ID, at, f"the {kind} {name} is already {where}", hint)
        return False

    def names(self, kind: NameKind) -> Iterable[str]:
        return self._declared[kind]

    def place_of(self, kind: NameKind, name: str) -> Place:
        """Where a name is declared; line 0 for one that is built in."""
        return self._declared[kind].get(name, _BUILT_IN)

    def is_unused(self, kind: NameKind, name: str) -> bool:
        """Whether nothing has referred to the name so far."""
        return name not in self._used[kind]

    def unused(self, kind: NameKind) -> list[str]:
        """Declared names, without those that are built in, that nothing has referred to so far."""
        declared = self._declared[kind]
        return sorted(name for name, at in declared.items() if at.line and name not in self._used[kind])

    def refer(self, kind: NameKind, node: Node) -> str | None:
        """The name that a node refers to; None, with a diagnostic, when nothing of that kind has it."""
        name = self.reader.text(node, str(kind))
        return name if name is not None and self.knows(kind, name, node) else None

    def knows(self, kind: NameKind, name: str, at: Node) -> bool:
        """Whether the name is declared, which counts as a use. Silent when a broken file may have declared it."""
        if name in self._declared[kind]:
            self._used[kind].add(name)
            return True
        if not self.report.may_have_lost(_SECTION[kind]):
            hint = self.report.suggest(name, self._declared[kind]) or _DECLARE[kind]
            self.report.add(Code(f"unknown-{kind}"), at, f"there is no {str(kind).replace('-', ' ')} {name}", hint)
        return False

    def refer_all(self, kind: NameKind, node: Node) -> list[str]:
        """The names in a list, or the one in a scalar."""
        found = (self.refer(kind, item) for item in self.reader.one_or_more(node, f"{kind} list"))
        return [name for name in found if name is not None]
