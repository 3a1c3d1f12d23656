"""Compiled scores of a stage."""

# Stays interpreted: it runs once per rulebook.
from __future__ import annotations

from dataclasses import dataclass

from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Evaluator
from answerby.rules.model.rulebook import Stage
from answerby.rules.model.score import Score
from answerby.rules.model.vocabulary import FieldType


@dataclass(frozen=True, slots=True)
class CompiledScore:
    score: Score
    applies: Evaluator
    whole: bool
    """The score's field is an integer."""


def compile_scores(stage: Stage, plan: FactPlan) -> tuple[CompiledScore, ...]:
    fields = plan.rulebook.vocabulary.fields
    return tuple(
        CompiledScore(score, compile_condition(score.when, plan), fields[score.output].type is FieldType.INTEGER)
        for score in stage.scores
    )
