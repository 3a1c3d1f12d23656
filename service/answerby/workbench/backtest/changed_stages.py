"""Stages in which two rulebooks differ: whether what one of them came to is what the other one says, too.

A stage that both remember answering alike on the facts at hand settles it; the rules need not be asked again.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from answerby.domain.decision import StageExplanation
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.memory.stage_memory import Answer
from answerby.engine.stages.stage_results import Draft

COMPLETENESS = "completeness"


@dataclass(frozen=True, slots=True)
class Change:
    """A stage that is not the same under both. `position` is its place among the explanations."""

    position: int
    new: CompiledStage
    old: CompiledStage


class ChangedStages:
    """Of two rulebooks that are `alike`."""

    def __init__(self, new: CompiledRulebook, old: CompiledRulebook) -> None:
        self._changes: list[Change] | None = None
        """None where a draft of one rulebook never tells what the other says."""
        names, others = [[stage.stage.name for stage in compiled.stages] for compiled in (new, old)]
        if names != others or new.rulebook.lexicons != old.rulebook.lexicons:
            return
        changes = [
            Change(position, stage, before)
            for position, (stage, before) in enumerate(zip(new.stages, old.stages, strict=True))
            if stage.stage != before.stage
        ]
        if all(map(_can_be_told, changes)):
            self._changes = changes

    def explanation(self, draft: Draft) -> list[StageExplanation] | None:
        """How the new rules explain what `draft` of the old ones says; None when they may say otherwise."""
        changes = self._changes
        if changes is None:
            return None
        explained = draft.explanation
        for change in changes:
            shown, before = explained[change.position], draft.answers[change.position]
            after = change.new.memory.answer(before.key) if before.key is not None else None
            # What a person set by hand, or a score that failed, is not in the answer.
            if after is None or shown.won is not before.settled.won or shown.outcome is not before.settled.outcome:
                return None
            if before.settled.outputs != after.settled.outputs or before.settled.flags != after.settled.flags:
                return None
            if explained is draft.explanation:
                explained = list(explained)
            explained[change.position] = _explained(shown, after)
        return explained


def _can_be_told(change: Change) -> bool:
    """Whether the key of an answer of the old stage is one of the new stage, too."""
    new, old = change.new, change.old
    # Completeness may be asked twice for one draft.
    return new.stage.name != COMPLETENESS and new.stage.scores == old.stage.scores and new.memory.same_keys(old.memory)


def _explained(shown: StageExplanation, answer: Answer) -> StageExplanation:
    settled = answer.settled
    return replace(
        shown,
        outcome=settled.outcome,
        won=settled.won,
        lost=settled.lost,
        failed=settled.failed,
        facts=answer.facts,
        shadow=answer.shadow,
    )
