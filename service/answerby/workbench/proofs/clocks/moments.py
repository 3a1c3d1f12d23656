"""The moments of a request, as clocks see them: the facts after an event, its type, its actor and the status."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from answerby.domain.clock_definition import ClockDefinition, Occasion
from answerby.domain.condition import ALWAYS, All, AnyOf, Atom, Condition, Not, Op
from answerby.domain.event import ActorRole, EventType
from answerby.domain.request import RequestStatus
from answerby.engine.history.lifecycle import ENDS_WAITING, INTERNAL, STATUS_AFTER, TERMINAL
from answerby.rules.model.rulebook import Rulebook
from answerby.workbench.proofs.space.boxes import Box, Either, find
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.derived_facts import domains_by_hand
from answerby.workbench.proofs.space.space import Space

QUESTION_BUDGET = 60_000
"""The operations for one question."""
TYPE, ACTOR, STATUS = "event.type", "event.actor", "request.status"


def any_of(occasions: Iterable[Occasion]) -> Condition:
    """The moments of any of the occasions."""
    return AnyOf(tuple(map(moment_of, occasions)))


def moment_of(occasion: Occasion) -> Condition:
    """The moments of an occasion: the types of its events, its actors, and its condition."""
    if isinstance(occasion, str):
        return has_type(occasion)
    return All((has_type(*occasion.events), is_one_of(ACTOR, occasion.actors), occasion.when))


def has_type(*types: str) -> Condition:
    return is_one_of(TYPE, types)


def has_status(*statuses: str) -> Condition:
    return is_one_of(STATUS, statuses)


def is_one_of(name: str, values: Sequence[str]) -> Condition:
    """That the field has one of the values; any moment when there are none to choose from."""
    return Atom(name, Op.IN, tuple(sorted(values))) if values else ALWAYS


def moments_of(clock: ClockDefinition) -> list[Condition]:
    """Every condition that questions about the clock are made of."""
    occasions = (*clock.start, *clock.stop, *clock.pause, *clock.resume, *clock.cancel, *clock.reset)
    statuses = [has_status(*clock.pause_while)] if clock.pause_while else []
    return [*map(moment_of, occasions), *statuses]


TIMER = has_type(EventType.TIMER_DUE.value)
ENDS = AnyOf(
    (has_type(EventType.CLOSED.value, EventType.MERGED.value), has_status(*(status.value for status in TERMINAL)))
)
"""The moments at which a request ends, and with it every clock."""
COMPLETED = has_status(RequestStatus.COMPLETED.value)
NOT_ANSWERED_BY_MACHINE = Not(All((is_one_of(ACTOR, (ActorRole.SYSTEM.value,)), has_type(EventType.REPLIED.value))))
"""An automatic reply meets no clock."""


def _impossible() -> list[Condition]:
    """Moments that never come: a status that the event's type excludes, an internal event of a person."""
    found: list[Condition] = []
    for kind, status in STATUS_AFTER.items():
        possible = {status} if kind is EventType.REOPENED else {status, *TERMINAL}
        others = [other.value for other in RequestStatus if other not in possible]
        found.append(All((has_type(kind.value), has_status(*others))))
    found.append(All((has_type(*(kind.value for kind in ENDS_WAITING)), has_status(RequestStatus.ON_HOLD.value))))
    people = [role.value for role in ActorRole if role is not ActorRole.SYSTEM]
    found.append(All((has_type(*(kind.value for kind in INTERNAL)), is_one_of(ACTOR, people))))
    return found


IMPOSSIBLE = tuple(_impossible())


@dataclass
class Moments:
    """The moments after all stages, and questions on them. Derived facts may have any value that a person may set."""

    rulebook: Rulebook
    conditions: Sequence[Condition]
    """Every condition that questions are made of."""
    _space: Space = field(init=False)
    _domains: list[int] = field(init=False)
    _impossible: list[Box] = field(init=False)

    def __post_init__(self) -> None:
        self._space = Space(
            [self.rulebook], more=(*self.conditions, *IMPOSSIBLE, TIMER, ENDS, COMPLETED, NOT_ANSWERED_BY_MACHINE)
        )
        self._domains = domains_by_hand(self._space, self.rulebook, "")
        self._impossible = [box for condition in IMPOSSIBLE for box in self._space.boxes(condition)]

    def some(self, *must: Condition, never: Iterable[Condition] = ()) -> bool:
        """Whether a moment meets all of `must` and none of `never`. Raises OverBudget and TooManyBoxes."""
        avoid = [box for condition in never for box in self._space.boxes(condition)]
        eithers = [Either(self._space.boxes(condition)) for condition in must]
        avoid += [*self._space.forbidden, *self._impossible]
        return find(self._domains, avoid, eithers, Budget(QUESTION_BUDGET)) is not None
