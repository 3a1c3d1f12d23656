"""The scores of a stage, made ready to compute."""

from __future__ import annotations

from dataclasses import dataclass

from service.engine.conditions import compile_condition
from service.engine.facts import FactPlan
from service.engine.predicates import Evaluator
from service.rules.model import Stage
from service.rules.score_model import Score
from service.rules.vocabulary import FieldType


@dataclass(frozen=True, slots=True)
class CompiledScore:
    score: Score
    applies: Evaluator
    whole: bool
    """Its field is an integer."""


def compile_scores(stage: Stage, plan: FactPlan) -> tuple[CompiledScore, ...]:
    fields = plan.rulebook.vocabulary.fields
    return tuple(
        CompiledScore(score, compile_condition(score.when, plan), fields[score.output].type is FieldType.INTEGER)
        for score in stage.scores
    )
