"""Runs one stage: matching, hit policy, safe side, defaults, explanation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from answerby.domain.decision import Flag, RuleReference, ShadowMatch, StageExplanation, StageOutcome
from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage, plain
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.stages.answer import Settlement, StageAnswer
from answerby.engine.stages.hit import Resolution, in_force, outputs_with_defaults, resolve
from answerby.engine.stages.shadow_rules import ShadowResult, ShadowRule, is_live, shadow_results
from answerby.engine.stages.targets import clock_targets
from answerby.rules.model.rulebook import Output, Rule

CONDITION_ERROR = "CONDITION_ERROR"
RULE_CONFLICT = "RULE_CONFLICT"
CONFLICT_OVER = ": rules that exclude each other set "


class StageResult:
    """Result of a stage in one decision. It belongs to the pipeline, which adds what no rule says to it.

    The explanation is a frozen struct: a change replaces it and the dict inside. Nothing here changes a settlement or
    an answer, which decisions share.
    """

    __slots__ = ("answer", "explanation", "flags", "outputs", "outranked", "reasons", "replaced", "targets")

    def __init__(self, answer: StageAnswer, outputs: dict[str, Output], explanation: StageExplanation) -> None:
        self.answer = answer
        """The answer of the rules alone."""
        self.outputs = outputs
        self.targets = answer.settlement.targets
        self.reasons = answer.settlement.reasons
        self.explanation = explanation
        self.flags: list[Flag] = list(answer.settlement.flags)
        self.replaced: dict[str, RuleReference] = {}
        """What replaced an output of the rules: the step of a ladder, or a value set by hand; by output."""
        self.outranked: list[RuleReference] = []
        """Steps of ladders whose values a person replaced."""

    def replace_output(self, name: str, value: Value, source: RuleReference) -> None:
        """Replaces an output of the rules by a value that a ladder or a person gave, the latest of which counts."""
        before = self.replaced.get(name)
        if before is not None:
            self.outranked.append(before)
        self.replaced[name] = source
        self.set_output(name, value)

    def set_output(self, name: str, value: Value) -> None:
        """Sets an output after the rules, in the explanation too."""
        self.outputs[name] = value
        outputs = {**self.explanation.outputs, name: value}
        self.explanation = msgspec.structs.replace(self.explanation, outputs=outputs)

    def drop_output(self, name: str) -> None:
        """Removes an output, from the explanation too."""
        self.outputs.pop(name, None)
        outputs = {key: value for key, value in self.explanation.outputs.items() if key != name}
        self.explanation = msgspec.structs.replace(self.explanation, outputs=outputs)


class StageRunner:
    """Runs single stages, each anew. `engine.memory` has a subclass that remembers answers, with equal results."""

    def run(self, compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> StageResult:
        """Decides one stage on the record, and writes the derived facts into the record."""
        settlement = settle(compiled, stage, matches(compiled, stage, record, at))
        outputs = derive(stage, settlement, record)
        return result(stage, answer(settlement, record), outputs)


def matches(compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> MatchSet:
    """The rules of the stage that match the record and are in force."""
    match_set = compiled.matcher.match(stage.stage.name, record)
    return keep_in_force(stage, match_set, at) if stage.dated else match_set


def derive(stage: CompiledStage, settlement: Settlement, record: Record) -> dict[str, Output]:
    """Writes the derived facts into the record, and returns the outputs."""
    outputs = dict(settlement.outputs)
    for name, typed in settlement.derived:
        if typed is not None:
            record.put(name, typed)
            continue
        if name in stage.adds_to:
            outputs[name] = united(record, name, outputs[name])
        record.set(name, outputs[name])
    return outputs


def answer(settlement: Settlement, record: Record) -> StageAnswer:
    """The answer, with facts as the record has them after the stage."""
    return StageAnswer(settlement, *explained_facts(settlement, record))


def explained_facts(settlement: Settlement, record: Record) -> tuple[dict[str, Value], list[ShadowMatch]]:
    """The facts and the shadow rules for the explanation."""
    facts = record.shown(settlement.facts, settlement.unlike_wire)
    return facts, [shadow.explain(record) for shadow in settlement.shadow_rules] if settlement.shadow_rules else []


def result(stage: CompiledStage, answer: StageAnswer, outputs: dict[str, Output]) -> StageResult:
    """The result of a stage with its explanation."""
    settlement = answer.settlement
    explanation = StageExplanation(
        stage=stage.stage.name,
        outcome=settlement.outcome,
        won=settlement.won,
        lost=settlement.lost,
        failed=settlement.failed,
        facts=answer.facts,
        outputs=dict(settlement.plain_outputs),
        shadow=answer.shadow,
    )
    return StageResult(answer, outputs, explanation)


def united(record: Record, name: str, value: Output) -> Output:
    """The values of a set, with those that an earlier stage has put into it."""
    earlier = record.get(name)
    added = value if isinstance(value, (list, tuple)) else [value]
    return sorted({*(earlier if isinstance(earlier, frozenset) else ()), *(str(item) for item in added)})


def keep_in_force(stage: CompiledStage, match_set: MatchSet, at: datetime) -> MatchSet:
    """The matches without the rules that are not in force at the moment."""
    matched, failed = (tuple(n for n in numbers if in_force(stage.rules[n], at)) for numbers in match_set)
    return MatchSet(matched, failed)


def settle(compiled: CompiledRulebook, stage: CompiledStage, match_set: MatchSet) -> Settlement:
    """Settles a match set under the hit policies. The result depends on no fact."""
    matched = [stage.rules[number] for number in match_set.matched]
    failed = [stage.rules[number] for number in match_set.failed]
    results: tuple[ShadowResult, ...] = ()
    every_match, every_failure = matched, failed
    if stage.has_shadow_rules:
        matched, failed = list(filter(is_live, matched)), list(filter(is_live, failed))
    resolution = resolve(stage.stage, compiled.rulebook.vocabulary, matched, failed)
    outputs = outputs_with_defaults(stage.stage, resolution)
    if stage.has_shadow_rules:
        results = shadow_results(stage.stage, compiled.rulebook.vocabulary, every_match, every_failure, outputs)
    involved = {name for rule in [*matched, *failed] for name in stage.fields[rule.id]}
    return Settlement(
        outputs=outputs,
        derived=tuple((n, fixed(compiled, stage, n, outputs[n])) for n in stage.derives if n in outputs),
        targets=clock_targets(compiled.rulebook, outputs, resolution.setter),
        reasons=tuple(reason(stage.references[rule.id]) for rule in resolution.won) if stage.gives_reasons else (),
        outcome=outcome(resolution),
        won=[stage.references[rule.id] for rule in resolution.won],
        lost=[stage.references[rule.id] for rule in resolution.lost],
        failed=[stage.references[rule.id] for rule in failed],
        facts=tuple(sorted(involved)),
        unlike_wire=tuple(compiled.plan.unlike_wire & involved),
        plain_outputs={name: plain(outputs[name]) for name in sorted(outputs)},
        flags=tuple(stage_flags(stage, resolution, failed)),
        winners={name: frozenset([rule.id for rule in rules]) for name, rules in resolution.winners.items()},
        shadow_rules=tuple(shadow_rule(compiled, stage, result) for result in results),
    )


def shadow_rule(compiled: CompiledRulebook, stage: CompiledStage, result: ShadowResult) -> ShadowRule:
    fields = stage.fields[result.rule.id]
    return ShadowRule(
        reference=stage.references[result.rule.id],
        failed=result.failed,
        wins=result.wins,
        changes={name: None if value is None else plain(value) for name, value in result.changes.items()},
        facts=fields,
        unlike_wire=tuple(compiled.plan.unlike_wire.intersection(fields)),
    )


def fixed(compiled: CompiledRulebook, stage: CompiledStage, name: str, value: Output) -> Typed | None:
    """The derived fact as records hold it; None where it depends on the record or the vocabulary refuses it."""
    return None if name in stage.adds_to else compiled.plan.typed(name, value)


def reason(reference: RuleReference) -> str:
    return f"{reference.because} ({reference.id})"


def outcome(resolution: Resolution) -> StageOutcome:
    if resolution.doubtful:
        return StageOutcome.ERROR
    if resolution.conflicts:
        return StageOutcome.CONFLICT
    return StageOutcome.MATCHED if resolution.won else StageOutcome.DEFAULTED


def stage_flags(stage: CompiledStage, resolution: Resolution, failed: list[Rule]) -> list[Flag]:
    flags = []
    if failed:
        names = ", ".join(rule.id for rule in failed)
        flags.append(Flag(CONDITION_ERROR, f"{stage.stage.name}: could not be evaluated: {names}"))
    if resolution.conflicts:
        names = ", ".join(sorted(resolution.conflicts))
        flags.append(Flag(RULE_CONFLICT, f"{stage.stage.name}{CONFLICT_OVER}{names}"))
    return flags


def conflicts_in(flags: Iterable[Flag], stage: str) -> frozenset[str]:
    """The outputs of the stage that flags call in conflict."""
    start = f"{stage}{CONFLICT_OVER}"
    found = [flag.message.removeprefix(start) for flag in flags if flag.message.startswith(start)]
    return frozenset(name for names in found for name in names.split(", "))
