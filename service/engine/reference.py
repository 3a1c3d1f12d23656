"""The reference matcher: plain Python over the condition trees, the executable specification of matching."""

from __future__ import annotations

from service.engine.conditions import compile_condition
from service.engine.facts import FactPlan, Record
from service.engine.matcher import MatchSet
from service.rules.model import Rulebook


class ReferenceMatcher:
    """Asks every rule. Holds no working memory, so any number of threads may use it."""

    name = "reference"

    def __init__(self, rulebook: Rulebook, plan: FactPlan | None = None, *, fallback_reason: str = "") -> None:
        """Raises InvalidInput when a condition does not fit the vocabulary."""
        self.fallback_reason = fallback_reason
        plan = plan or FactPlan(rulebook)
        self._conditions = {
            stage.name: tuple(compile_condition(rule.when, plan) for rule in stage.rules) for stage in rulebook.stages
        }

    def match(self, stage: str, record: Record) -> MatchSet:
        matched, failed = [], []
        for index, condition in enumerate(self._conditions[stage]):
            truth = condition(record)
            if truth:
                matched.append(index)
            elif truth is None:
                failed.append(index)
        return MatchSet(tuple(matched), tuple(failed))

    def failed_among(self, stage: str, indexes: tuple[int, ...], record: Record) -> tuple[int, ...]:
        """Of these rules those whose condition is an error, in the order given."""
        conditions = self._conditions[stage]
        return tuple(index for index in indexes if conditions[index](record) is None)

    def close(self) -> None:
        """Nothing to free."""
