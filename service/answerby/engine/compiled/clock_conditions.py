"""Conditions of clock triggers, compiled, and the facts of a record as clocks read them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from answerby.domain.condition import ALWAYS, Condition
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Evaluator, Record
from answerby.rules.model.rulebook import Rulebook

ClockConditions = Mapping[Condition, Evaluator]


def compile_clock_conditions(rulebook: Rulebook, plan: FactPlan) -> ClockConditions:
    """The conditions of all clock triggers. Raises KeyError for a plan of another rulebook."""
    conditions = {condition for clock in rulebook.clocks.values() for condition in clock.conditions}
    return MappingProxyType({condition: compile_condition(condition, plan) for condition in conditions})


class RecordFacts:
    """The facts of a record for clocks. `failed` collects conditions that could not be evaluated."""

    __slots__ = ("_conditions", "_record", "failed")

    def __init__(self, conditions: ClockConditions, record: Record) -> None:
        self._conditions = conditions
        self._record = record
        self.failed: set[Condition] = set()

    def holds(self, condition: Condition) -> bool | None:
        if condition == ALWAYS:
            return True
        truth = self._conditions[condition](self._record)
        if truth is None:
            self.failed.add(condition)
        return truth

    def values(self, field: str) -> tuple[str, ...]:
        value = self._record.get(field)
        if isinstance(value, frozenset):
            return tuple(sorted(value))
        return () if value is None else (str(value),)
