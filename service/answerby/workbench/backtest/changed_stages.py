"""Explanations of stored results under a second rulebook, for the stages that differ between the two.

The rules of a stage are not asked again where both rulebooks remember the same answer on these facts.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from answerby.domain.decision import StageExplanation
from answerby.engine.compiled.rulebook import CompiledStage
from answerby.engine.memory.steps import RememberingSteps
from answerby.engine.stages.answer import StageAnswer
from answerby.engine.stages.stage_results import StageResults


@dataclass(frozen=True, slots=True)
class Change:
    """A stage that differs between the rulebooks. `position` is its index among the explanations."""

    position: int
    new: CompiledStage
    old: CompiledStage


class ChangedStages:
    """The stages that differ between two `comparable` rulebooks."""

    def __init__(self, new: RememberingSteps, old: RememberingSteps) -> None:
        self._new = new
        self._changes: list[Change] | None = None
        """None if the results of one rulebook can never show the results of the other."""
        names, others = [[stage.stage.name for stage in steps.compiled.stages] for steps in (new, old)]
        if names != others or new.compiled.rulebook.lexicons != old.compiled.rulebook.lexicons:
            return
        changes = [
            Change(position, stage, before)
            for position, (stage, before) in enumerate(zip(new.compiled.stages, old.compiled.stages, strict=True))
            if stage.stage != before.stage
        ]
        # The key of an answer of the old stage has to be one of the new stage, too.
        if all(c.new.stage.scores == c.old.stage.scores and new.same_keys(c.new, old, c.old) for c in changes):
            self._changes = changes

    def explanation(self, results: StageResults) -> list[StageExplanation] | None:
        """The explanation that the new rules give for the `results` of the old ones.

        None if the new rules may differ.
        """
        changes = self._changes
        if changes is None:
            return None
        explained = results.explanation
        for change in changes:
            shown, before = explained[change.position], results.answers[change.position]
            after = self._new.answer_like(change.new, before)
            # A value set by hand and a failed score are not part of the answer.
            settled = before.settlement
            if after is None or shown.won is not settled.won or shown.outcome is not settled.outcome:
                return None
            if settled.outputs != after.settlement.outputs or settled.flags != after.settlement.flags:
                return None
            if explained is results.explanation:
                explained = list(explained)
            explained[change.position] = _explained(shown, after)
        return explained


def _explained(shown: StageExplanation, answer: StageAnswer) -> StageExplanation:
    settlement = answer.settlement
    return replace(
        shown,
        outcome=settlement.outcome,
        won=settlement.won,
        lost=settlement.lost,
        failed=settlement.failed,
        facts=answer.facts,
        shadow=answer.shadow,
    )
