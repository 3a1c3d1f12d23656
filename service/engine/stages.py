"""Runs one stage: match, hit policy, defaults, safe side, and the explanation of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service.domain.decision import Flag, RuleReference, StageExplanation, StageOutcome
from service.domain.event import Value
from service.engine.compiled import CompiledRulebook, CompiledStage, plain
from service.engine.facts import Record
from service.engine.hit import Resolution, fill, in_force, resolve
from service.rules.model import Output, Rule


@dataclass(frozen=True, slots=True)
class StageResult:
    outputs: dict[str, Output]
    setters: dict[str, Rule]
    explanation: StageExplanation
    flags: list[Flag]


def run_stage(compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> StageResult:
    """Decides one stage over the record and writes what it derives back into the record."""
    matches = compiled.matcher.match(stage.stage.name, record)
    matched = [rule for index in matches.matched if in_force(rule := stage.rules[index], at)]
    failed = [rule for index in matches.failed if in_force(rule := stage.rules[index], at)]
    resolution = resolve(stage.stage, compiled.rulebook.vocabulary, matched, failed)
    outputs = dict(resolution.outputs)
    fill(outputs, stage.stage.default, stage.stage.on_error, resolution.doubtful | resolution.conflicts)
    for name in stage.derives:
        if name in outputs:
            record.set(name, outputs[name])
    return StageResult(
        outputs=outputs,
        setters=resolution.setter,
        explanation=explain(stage, resolution, failed, outputs, record),
        flags=stage_flags(stage, resolution, failed),
    )


def explain(
    stage: CompiledStage, resolution: Resolution, failed: list[Rule], outputs: dict[str, Output], record: Record
) -> StageExplanation:
    involved = [*resolution.won, *resolution.lost, *failed]
    names = {name for rule in involved for name in stage.fields[rule.id]}
    return StageExplanation(
        stage=stage.stage.name,
        outcome=outcome(resolution),
        won=[stage.references[rule.id] for rule in resolution.won],
        lost=[stage.references[rule.id] for rule in resolution.lost],
        failed=[stage.references[rule.id] for rule in failed],
        facts={name: record.value(name) for name in sorted(names)},
        outputs={name: plain(outputs[name]) for name in sorted(outputs)},
    )


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
        flags.append(Flag("CONDITION_ERROR", f"{stage.stage.name}: could not be evaluated: {names}"))
    if resolution.conflicts:
        names = ", ".join(sorted(resolution.conflicts))
        flags.append(Flag("RULE_CONFLICT", f"{stage.stage.name}: rules that exclude each other set {names}"))
    return flags


def by_hand(name: str, value: Value) -> RuleReference:
    """The reference that stands for a value which a person set over the rules."""
    return RuleReference(f"override.{name}", "", 0, "Set by hand over the rules.", {name: value})
