"""The differences of one request between two rulebooks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from answerby.domain.decision import Decision
from answerby.workbench.backtest.fields import NOTHING, ComparedField, Point, outcome_at, outcome_of
from answerby.workbench.backtest.request_run import ComparedValue, NameCounts, Outcome, RequestRun


class Kind(StrEnum):
    """The most important kind of change of a request. The members are in order of importance."""

    NEW_ERROR = "errors.new"
    RAISED_TO_TOP = "priority.raised_to_top"
    NEW_BREACH = "breach.new"
    RAISED = "priority.raised"
    LOWERED = "priority.lowered"
    BREACH_GONE = "breach.gone"
    CATEGORY = "category.changed"
    FIELD = "other.changed"
    EFFECTS = "effects.changed"


ORDER = {kind: number for number, kind in enumerate(Kind)}


class Move(StrEnum):
    RAISED = "raised"
    LOWERED = "lowered"
    CHANGED = "changed"
    """The value changed, and neither value ranks above the other."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one request. `distance` is the number of places between ordered values."""

    field: ComparedField
    old: ComparedValue
    new: ComparedValue
    move: Move
    distance: float


@dataclass(slots=True)
class Difference:
    """All differences of one request. It is falsy if there are none."""

    changes: dict[str, Change] = field(default_factory=dict)
    sometime: frozenset[str] = frozenset()
    """Fields that differ after at least one event, even if they agree in the end."""
    breaches_new: frozenset[str] = frozenset()
    breaches_gone: frozenset[str] = frozenset()
    errors_new: frozenset[str] = frozenset()
    errors_gone: frozenset[str] = frozenset()
    effects: bool = False
    """Roles get other messages or another number of messages, or there are other tasks or other cases."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.breaches_new or self.breaches_gone or self.errors_new or self.errors_gone) or (
            self.effects or bool(self.sometime)
        )

    @property
    def kind(self) -> Kind | None:
        """None if nothing differs at the point of comparison."""
        if self.errors_new:
            return Kind.NEW_ERROR
        priority = self.changes.get("priority")
        raised = priority is not None and priority.move is Move.RAISED
        if raised and priority is not None and priority.new == priority.field.top:
            return Kind.RAISED_TO_TOP
        if self.breaches_new:
            return Kind.NEW_BREACH
        if priority is not None:
            return Kind.RAISED if raised else Kind.LOWERED if priority.move is Move.LOWERED else Kind.FIELD
        if self.breaches_gone:
            return Kind.BREACH_GONE
        if "category" in self.changes:
            return Kind.CATEGORY
        if self.changes or self.errors_gone:
            return Kind.FIELD
        return Kind.EFFECTS if self.effects else None


def compare(fields: Iterable[ComparedField], point: Point, old: RequestRun, new: RequestRun) -> Difference:
    """The differences of `new` from `old`. A run of facts alone is compared by those facts only."""
    before, after = outcome_at(old, point), outcome_at(new, point)
    if not old.decided:
        known_facts = [f for f in fields if f.name in old.known_facts]
        return Difference(changes=changes(known_facts, before, after))
    return Difference(
        changes=changes(fields, before, after) if before != after else {},
        sometime=sometime(fields, old, new),
        breaches_new=frozenset(new.breached - old.breached),
        breaches_gone=frozenset(old.breached - new.breached),
        errors_new=frozenset(new.troubles - old.troubles),
        errors_gone=frozenset(old.troubles - new.troubles),
        effects=(old.notices, old.tasks, old.cases) != (new.notices, new.tasks, new.cases),
    )


def changes(fields: Iterable[ComparedField], before: Outcome, after: Outcome) -> dict[str, Change]:
    found = {}
    for known in fields:
        old, new = before.get(known.name, NOTHING), after.get(known.name, NOTHING)
        if old != new:
            found[known.name] = change(known, old, new)
    return found


def change(known: ComparedField, old: ComparedValue, new: ComparedValue) -> Change:
    first, second = known.rank(old), known.rank(new)
    if first is None or second is None or first == second:
        return Change(known, old, new, Move.CHANGED, 0)
    return Change(known, old, new, Move.RAISED if second > first else Move.LOWERED, abs(second - first))


def sometime(fields: Iterable[ComparedField], old: RequestRun, new: RequestRun) -> frozenset[str]:
    found: set[str] = set()
    for before, after in pairs(old, new):
        if before.facts != after.facts or targets(before) != targets(after):
            found.update(changes(fields, outcome_of(before, {}), outcome_of(after, {})))
    return frozenset(found)


def pairs(old: RequestRun, new: RequestRun) -> Iterable[tuple[Decision, Decision]]:
    """The pairs of decisions on the same events, in order."""
    for key, before in old.steps.items():
        after = new.steps.get(key)
        if after is not None:
            yield before, after


def targets(decision: Decision) -> list[object]:
    return [(clock.name, clock.phase, clock.target) for clock in decision.clocks]


def surplus(one: NameCounts, other: NameCounts) -> set[str]:
    """The names that `one` counts more often."""
    return {name for name, count in one.items() if count > other.get(name, 0)}
