"""The compared values of a request: the facts that rules derive, and the target of every clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from answerby.domain.clock import ClockPhase
from answerby.domain.decision import Decision
from answerby.domain.event import Value
from answerby.domain.request import RequestStatus
from answerby.engine.compiled.rulebook import show_target
from answerby.rules.model.rulebook import STAGES, Rulebook
from answerby.rules.model.vocabulary import FieldType
from answerby.workbench.backtest.request_run import ComparedValue, Outcome, RequestRun

NOTHING = "-"
"""The text for a missing value."""
TARGET = "sla."
ENDED = frozenset({RequestStatus.CLOSED, RequestStatus.MERGED})
_ORDERED = frozenset({FieldType.ENUM, FieldType.INTEGER, FieldType.DECIMAL, FieldType.BOOLEAN})


class Point(StrEnum):
    """The point at which requests are compared."""

    LAST = "last"
    """The last decision of the request."""
    FIRST = "first"
    """The decision on the first event of the request."""


@dataclass(frozen=True, slots=True)
class ComparedField:
    """One compared field.

    `values` of an enum go from least to most severe, in the new rules' order if the two differ.
    """

    name: str
    stage: str
    is_set: bool = False
    ordered: bool = False
    values: tuple[str, ...] = ()
    numeric: bool = False

    def rank(self, shown: ComparedValue) -> float | None:
        """The index of the value among `values`. None for a value that is not among them."""
        if not self.ordered or not isinstance(shown, str):
            return None
        if self.values:
            return float(self.values.index(shown)) if shown in self.values else None
        try:
            return float(shown)
        except ValueError:
            return None

    @property
    def top(self) -> str:
        """The most severe value. Empty if there are no values."""
        return self.values[-1] if self.values else ""


def compared_fields(new: Rulebook, old: Rulebook | None) -> tuple[ComparedField, ...]:
    """The fields in the order of the stages, then by name."""
    found: dict[str, ComparedField] = {}
    for rulebook in (old, new):
        if rulebook is not None:
            found.update((field.name, field) for field in fields_of(rulebook))
    return tuple(sorted(found.values(), key=lambda f: (STAGES.index(f.stage), f.name)))


def fields_of(rulebook: Rulebook) -> Iterable[ComparedField]:
    for name, field in rulebook.vocabulary.fields.items():
        stages = field.derived_by
        if not stages:
            continue
        values = field.values
        if field.type is FieldType.BOOLEAN:
            values = ("false", "true")
        is_set = field.type is FieldType.SET
        # Who has a request is no more and no less than who had it, in whatever order the vocabulary lists them.
        ordered = field.type in _ORDERED and stages[0] != "routing"
        numeric = field.type in (FieldType.INTEGER, FieldType.DECIMAL)
        yield ComparedField(name, stages[0], is_set, ordered, () if is_set else values, numeric)
    for clock in rulebook.clocks:
        yield ComparedField(f"{TARGET}{clock}", "sla")


def outcome_of(decision: Decision | None, known_facts: Mapping[str, Value]) -> Outcome:
    """The compared values of a decision, or of a record of facts if there is no decision."""
    if decision is None:
        return {name: shown(value) for name, value in known_facts.items()}
    outcome: dict[str, ComparedValue] = {name: shown(value) for name, value in decision.facts.items()}
    ended = decision.status in ENDED
    for clock in decision.clocks:
        # The end of a request cancels its clocks. Any other cancelled clock lost its target.
        if ended or clock.phase is not ClockPhase.CANCELLED:
            outcome[f"{TARGET}{clock.name}"] = show_target(clock.target)
    return outcome


def outcome_at(request_run: RequestRun, point: Point) -> Outcome:
    """The compared values of a finished run at the given point."""
    known = request_run.outcomes.get(point)
    if known is None:
        decision = request_run.first if point is Point.FIRST else request_run.last
        known = request_run.outcomes[point] = outcome_of(decision, request_run.known_facts)
    return known


def shown(value: Value) -> ComparedValue:
    """A fact as it is compared and shown."""
    if isinstance(value, list):
        return frozenset(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return NOTHING if value is None else str(value)
