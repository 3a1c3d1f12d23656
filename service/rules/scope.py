"""What is known while rule files are checked: the names of everything that may be referred to."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from zoneinfo import ZoneInfo

from service.rules.codes import Code
from service.rules.diagnostic import Report
from service.rules.model import OWNER
from service.rules.nodes import Node, Place
from service.rules.reader import Reader
from service.rules.vocabulary import Field
from service.sla.calendar import ALWAYS


class Kind(StrEnum):
    """Kinds of things that have ids and are referred to by them."""

    LEXICON = "lexicon"
    CALENDAR = "calendar"
    CLOCK = "clock"
    LADDER = "ladder"
    TEMPLATE = "template"
    ROLE = "role"
    DEPARTMENT = "department"
    RULE = "rule"
    FIELD = "field"


BUILTIN_NAMES = ((Kind.CALENDAR, ALWAYS.id), (Kind.ROLE, OWNER))

_SECTION = {
    Kind.LEXICON: "lexicons",
    Kind.CALENDAR: "calendar",
    Kind.CLOCK: "clocks",
    Kind.LADDER: "ladders",
    Kind.TEMPLATE: "templates",
    Kind.ROLE: "rulebook",
    Kind.DEPARTMENT: "rulebook",
    Kind.RULE: "stage",
    Kind.FIELD: "fields",
}
"""The section that declares a kind."""


class Scope:
    """Names, with the place where each was declared, whether or not the rest of its declaration was right."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.reader = Reader(report)
        self.zone = ZoneInfo("Asia/Shanghai")
        """What a date without a time of day is a day of."""
        self.fields: dict[str, Field] = {}
        self._declared: dict[Kind, dict[str, Place]] = {kind: {} for kind in Kind}
        for kind, name in BUILTIN_NAMES:
            self._declared[kind][name] = Place("", 0, 0)

    def declare(self, kind: Kind, name: str, at: Node) -> bool:
        """Registers a name. False, with a diagnostic, when it is taken."""
        first = self._declared[kind].get(name)
        if first is None:
            self._declared[kind][name] = at.place
            return True
        where = f"in {first.file}:{first.line}" if first.file else "built in"
        self.report.add(Code.DUPLICATE_ID, at, f"the {kind} {name} is already {where}", "give each its own id")
        return False

    def names(self, kind: Kind) -> Iterable[str]:
        return self._declared[kind]

    def refer(self, kind: Kind, node: Node) -> str | None:
        """The name that a node refers to; None, with a diagnostic, when nothing of that kind has it."""
        name = self.reader.text(node, str(kind))
        return name if name is not None and self.knows(kind, name, node) else None

    def knows(self, kind: Kind, name: str, at: Node) -> bool:
        """Whether the name is declared. Silent when a broken file may have declared it."""
        if name in self._declared[kind]:
            return True
        if not self.report.may_have_lost(_SECTION[kind]):
            hint = self.report.suggest(name, self._declared[kind])
            self.report.add(Code(f"unknown-{kind}"), at, f"there is no {kind} {name}", hint)
        return False

    def refer_all(self, kind: Kind, node: Node) -> list[str]:
        """The names in a list, or the one in a scalar."""
        found = (self.refer(kind, item) for item in self.reader.one_or_more(node, f"{kind} list"))
        return [name for name in found if name is not None]
