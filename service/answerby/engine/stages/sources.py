"""Sources of outputs that no rule gave: the explanation and the reasons name the ladder or the person instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from answerby.domain.decision import LADDER_PREFIX, RuleReference, StageExplanation, StageOutcome
from answerby.domain.event import OVERRIDE_PREFIX, Value
from answerby.domain.ladder import LadderAct
from answerby.engine.compiled.rulebook import CompiledStage
from answerby.engine.stages.stage import StageResult, reason


def by_hand(name: str, value: Value) -> RuleReference:
    """The reference that stands for a value set by hand."""
    return RuleReference(f"{OVERRIDE_PREFIX}{name}", "", 0, "Set by hand over the rules.", {name: value})


def by_ladder(name: str, value: Value, act: LadderAct | None) -> RuleReference:
    """The reference that stands for a value that a ladder gave; None: an older version did not keep by which step."""
    if act is None:
        return RuleReference(f"{LADDER_PREFIX}{name}", "", 0, "Set by a ladder.", {name: value})
    reference_id = f"{LADDER_PREFIX}{act.ladder}#{act.step}"
    return RuleReference(reference_id, act.file, act.line, act.because, {name: value}, act.clock)


def name_sources(stage: CompiledStage, result: StageResult) -> None:
    """Names what replaced outputs of the rules, and takes the rules that decide nothing any more off the winners."""
    replaced, winners = result.replaced, result.answer.settlement.winners
    deciding = {rule_id for name, ids in winners.items() if name not in replaced for rule_id in ids}
    explanation = result.explanation
    rules = [reference for reference in explanation.won if reference.id in deciding]
    beaten = [reference for reference in explanation.won if reference.id not in deciding]
    sources = _joined(replaced[name] for name in sorted(replaced))
    won = [*sources, *rules]
    result.explanation = msgspec.structs.replace(
        explanation,
        won=won,
        lost=[*_joined(result.outranked), *beaten, *explanation.lost],
        outcome=_outcome(explanation, sources, rules, [name for name in result.outputs if name not in replaced]),
    )
    if stage.gives_reasons:
        result.reasons = tuple([reason(reference) for reference in won])


def _outcome(
    explanation: StageExplanation,
    sources: Collection[RuleReference],
    rules: Collection[RuleReference],
    others: Collection[str],
) -> StageOutcome:
    """How the stage came to its `others`, the outputs that nothing replaced; without any, what replaced all."""
    if rules or (others and explanation.outcome is not StageOutcome.MATCHED):
        return explanation.outcome
    by_person = any(source.id.startswith(OVERRIDE_PREFIX) for source in sources)
    return StageOutcome.BY_HAND if by_person else StageOutcome.BY_LADDER


def _joined(references: Iterable[RuleReference]) -> list[RuleReference]:
    """The references; one for all outputs of one step."""
    found: dict[tuple[str, str], RuleReference] = {}
    for reference in references:
        key = reference.id, reference.clock
        outputs = {**found[key].outputs, **reference.outputs} if key in found else reference.outputs
        found[key] = msgspec.structs.replace(reference, outputs=outputs)
    return list(found.values())
