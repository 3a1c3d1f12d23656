"""Computes the scores of a stage, after its rules, and explains them."""

# Stays interpreted: where one isinstance narrows `int | float`, compiled code may make a float of an int.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from answerby.domain.decision import Flag, ScoreExplanation, ScoreFactor, ScoreOutcome, StageOutcome
from answerby.domain.event import Value
from answerby.engine.compiled.scores import CompiledScore
from answerby.engine.facts.record import Record
from answerby.engine.stages.score_arithmetic import compute, formula, number_of, rounded, written
from answerby.engine.stages.stage import StageResult
from answerby.rules.model.rulebook import Output
from answerby.rules.model.score import LARGEST_SCORE, Factor, TieBreak

SCORE_INCOMPLETE = "SCORE_INCOMPLETE"
SCORE_ERROR = "SCORE_ERROR"


@dataclass(slots=True)
class FactorResult:
    """A factor or tie-break with its number. No number: the fact is missing, or `problem` says why."""

    factor: ScoreFactor
    number: Fraction | None = None
    problem: str = ""


def take_scores(
    scores: Sequence[CompiledScore], on_error: Mapping[str, Output], result: StageResult, record: Record
) -> None:
    """Puts the scores that apply, and their explanations, into the result and the record."""
    explained = [found for score in scores if (found := explain_score(score, record))]
    if not explained:
        return
    outcome = result.explanation.outcome
    for compiled, explanation in explained:
        score = compiled.score
        if explanation.outcome is ScoreOutcome.ERROR:
            outcome = StageOutcome.ERROR
            result.flags.append(Flag(SCORE_ERROR, f"{score.id}: {explanation.problem}"))
            values = {name: on_error.get(name) for name in score.outputs}
        else:
            values = dict(explanation.outputs)
            if explanation.outcome is ScoreOutcome.INCOMPLETE:
                result.flags.append(Flag(SCORE_INCOMPLETE, f"{score.id}: {explanation.problem}"))
        for name, value in values.items():
            put(result, record, name, value, f"{score.id} could not be computed: {explanation.problem}")
    result.explanation = msgspec.structs.replace(
        result.explanation,
        outcome=outcome,
        outputs=dict(sorted(result.explanation.outputs.items())),
        scores=[explanation for _, explanation in explained],
    )


def put(result: StageResult, record: Record, name: str, value: Output | None, problem: str) -> None:
    """Sets an output of a score. None makes the field an error, so that conditions on it are errors, not false."""
    if value is None:
        result.drop_output(name)
        record.refuse(name, problem)
        return
    assert isinstance(value, (int, float))
    result.set_output(name, value)
    record.set(name, value)


def explain_score(compiled: CompiledScore, record: Record) -> tuple[CompiledScore, ScoreExplanation] | None:
    """The score with its explanation; None when it does not apply to the request."""
    applies = compiled.applies(record)
    if applies is False:
        return None
    score = compiled.score
    explanation = ScoreExplanation(
        id=score.id,
        file=score.file,
        line=score.line,
        because=score.because,
        method=score.method.value,
        outcome=ScoreOutcome.ERROR,
        problem="whether it applies could not be evaluated",
    )
    if applies is None:
        return compiled, explanation
    found = [find_factor(factor, record) for factor in score.factors]
    tie = None if score.tie_break is None else find_tie(score.tie_break, record)
    explanation = msgspec.structs.replace(
        explanation,
        factors=[item.factor for item in found],
        tie_break=None if tie is None else tie.factor,
        problem="",
    )
    return compiled, settle_score(compiled, explanation, found, tie)


def settle_score(
    compiled: CompiledScore, explanation: ScoreExplanation, found: list[FactorResult], tie: FactorResult | None
) -> ScoreExplanation:
    """The explanation with the score, or with the reason for none."""
    replace = msgspec.structs.replace
    score = compiled.score
    problems = [item.problem for item in (*found, *([tie] if tie else [])) if item.problem]
    if problems:
        return replace(explanation, problem="; ".join(problems))
    known = [
        (factor, item.number) for factor, item in zip(score.factors, found, strict=True) if item.number is not None
    ]
    if len(known) < len(found):
        missing = ", ".join(item.factor.field for item in found if item.number is None)
        return replace(explanation, outcome=ScoreOutcome.INCOMPLETE, problem=f"no score without {missing}")
    exact = compute(score.method, known)
    value = exact
    if score.at_least is not None and score.at_most is not None:
        value = min(max(value, Fraction(score.at_least)), Fraction(score.at_most))
    value = rounded(value, score.places, score.rounding)
    arithmetic = f"{formula(score.method, known)} = {written(exact)}"
    if value != exact:
        arithmetic += f" → {written(value)}"
    if abs(value) >= LARGEST_SCORE:
        problem = f"the score {written(value)} is not below {LARGEST_SCORE:,}; give it `bounds`, or its factors a scale"
        return replace(explanation, arithmetic=arithmetic, problem=problem)
    outputs: dict[str, Value] = {score.output: int(value) if compiled.whole else float(value)}
    if score.tie_break is not None and tie is not None:
        outputs[score.tie_break.output] = int(tie.number or 0)
    return replace(explanation, outcome=ScoreOutcome.SCORED, arithmetic=arithmetic, outputs=outputs)


def find_factor(factor: Factor, record: Record) -> FactorResult:
    """The factor's fact and number."""
    typed = record.get(factor.field)
    shown = ScoreFactor(
        name=factor.name, field=factor.field, value=record.value(factor.field), weight=written(factor.weight)
    )
    refused = record.error(factor.field)
    if refused is not None:
        return FactorResult(shown, problem=f"{factor.field} {refused.message}")
    if typed is not None:
        number = number_of(factor, typed)
    elif factor.missing is not None:
        number = Fraction(factor.missing)
    else:
        return FactorResult(shown)
    return FactorResult(msgspec.structs.replace(shown, number=written(number), assumed=typed is None), number)


def find_tie(tie_break: TieBreak, record: Record) -> FactorResult:
    """The tie-break with its number: the place of the fact in the order, counted from the end; 0 when missing."""
    value = record.value(tie_break.field)
    refused = record.error(tie_break.field)
    shown = ScoreFactor(name="tie_break", field=tie_break.field, value=value)
    if refused is not None:
        return FactorResult(shown, problem=f"{tie_break.field} {refused.message}")
    number = len(tie_break.order) - tie_break.order.index(str(value)) if value is not None else 0
    return FactorResult(msgspec.structs.replace(shown, number=str(number)), Fraction(number))
