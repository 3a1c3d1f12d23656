"""Runs one stage: match, hit policy, defaults, safe side, and the explanation of it."""

from __future__ import annotations

from datetime import datetime

from answerby.domain.decision import Flag, RuleReference, StageExplanation, StageOutcome
from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage, plain
from answerby.engine.facts.coercion import Typed
from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import MatchSet
from answerby.engine.memory.stage_memory import Answer, Key, Settled
from answerby.engine.stages.hit import Resolution, in_force, resolve
from answerby.engine.stages.shadow_rules import ShownTrial, Trial, final_outputs, hold_trials, is_live
from answerby.engine.stages.targets import clock_goals
from answerby.rules.model.rulebook import Output, Rule


class StageResult:
    """What a stage comes to, which what is held or set by hand may change still."""

    __slots__ = ("answer", "explanation", "flags", "goals", "outputs", "reasons")

    def __init__(self, answer: Answer, outputs: dict[str, Output], explanation: StageExplanation) -> None:
        self.answer = answer
        """As the rules gave it."""
        self.outputs = outputs
        self.goals = answer.settled.goals
        self.reasons = answer.settled.reasons
        self.explanation = explanation
        self.flags: list[Flag] = list(answer.settled.flags)


def run_stage(compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> StageResult:
    """Decides one stage over the record and writes what it derives back into the record."""
    key = stage.memory.key(record) if compiled.recalls else None
    known = stage.memory.answer(key) if key is not None else None
    settled = known.settled if known is not None else asked(compiled, stage, record, at)
    outputs = dict(settled.outputs)
    for name, typed in settled.derived:
        if typed is not None:
            record.put(name, typed)
            continue
        if name in stage.adds_to:
            outputs[name] = united(record, name, outputs[name])
        record.set(name, outputs[name])
    if known is None:
        known = answer(settled, record, key)
        stage.memory.keep(known)
    explanation = StageExplanation(
        stage=stage.stage.name,
        outcome=settled.outcome,
        won=settled.won,
        lost=settled.lost,
        failed=settled.failed,
        facts=known.facts,
        outputs=dict(settled.shown),
        shadow=known.shadow,
    )
    return StageResult(known, outputs, explanation)


def asked(compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> Settled:
    """What the stage's rules come to for the record."""
    matches = compiled.matcher.match(stage.stage.name, record)
    if stage.dated:
        matches = keep_in_force(stage, matches, at)
    settled = stage.memory.settled(matches)
    if settled is None:
        settled = settle(compiled, stage, matches)
        stage.memory.settle(matches, settled)
    return settled


def answer(settled: Settled, record: Record, key: Key | None) -> Answer:
    """With the facts as they are after the stage."""
    facts = record.shown(settled.facts, settled.unlike_wire)
    return Answer(settled, facts, [trial.explain(record) for trial in settled.trials] if settled.trials else [], key)


def united(record: Record, name: str, value: Output) -> Output:
    """A set with what an earlier stage has put into it."""
    earlier = record.get(name)
    added = value if isinstance(value, (list, tuple)) else [value]
    return sorted({*(earlier if isinstance(earlier, frozenset) else ()), *(str(item) for item in added)})


def keep_in_force(stage: CompiledStage, matches: MatchSet, at: datetime) -> MatchSet:
    """The matches without the rules that are not in force at the moment."""
    matched, failed = (tuple(n for n in numbers if in_force(stage.rules[n], at)) for numbers in matches)
    return MatchSet(matched, failed)


def settle(compiled: CompiledRulebook, stage: CompiledStage, matches: MatchSet) -> Settled:
    """What the match set comes to, whatever the facts behind it are."""
    matched = [stage.rules[number] for number in matches.matched]
    failed = [stage.rules[number] for number in matches.failed]
    trials: tuple[Trial, ...] = ()
    every_match, every_failure = matched, failed
    if stage.on_trial:
        matched, failed = list(filter(is_live, matched)), list(filter(is_live, failed))
    resolution = resolve(stage.stage, compiled.rulebook.vocabulary, matched, failed)
    outputs = final_outputs(stage.stage, resolution)
    if stage.on_trial:
        trials = hold_trials(stage.stage, compiled.rulebook.vocabulary, every_match, every_failure, outputs)
    involved = {name for rule in [*matched, *failed] for name in stage.fields[rule.id]}
    return Settled(
        outputs=outputs,
        derived=tuple((n, fixed(compiled, stage, n, outputs[n])) for n in stage.derives if n in outputs),
        goals=clock_goals(compiled.rulebook, outputs, resolution.setter),
        reasons=tuple(reason(stage.references[rule.id]) for rule in resolution.won) if stage.gives_reasons else (),
        outcome=outcome(resolution),
        won=[stage.references[rule.id] for rule in resolution.won],
        lost=[stage.references[rule.id] for rule in resolution.lost],
        failed=[stage.references[rule.id] for rule in failed],
        facts=tuple(sorted(involved)),
        unlike_wire=tuple(compiled.plan.unlike_wire & involved),
        shown={name: plain(outputs[name]) for name in sorted(outputs)},
        flags=tuple(stage_flags(stage, resolution, failed)),
        trials=tuple(shown_trial(compiled, stage, trial) for trial in trials),
    )


def shown_trial(compiled: CompiledRulebook, stage: CompiledStage, trial: Trial) -> ShownTrial:
    fields = stage.fields[trial.rule.id]
    return ShownTrial(
        reference=stage.references[trial.rule.id],
        failed=trial.failed,
        wins=trial.wins,
        changes={name: None if value is None else plain(value) for name, value in trial.changes.items()},
        facts=fields,
        unlike_wire=tuple(compiled.plan.unlike_wire.intersection(fields)),
    )


def fixed(compiled: CompiledRulebook, stage: CompiledStage, name: str, value: Output) -> Typed | None:
    """The derived fact as records hold it, where it is the same for every record and the vocabulary takes it."""
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
        flags.append(Flag("CONDITION_ERROR", f"{stage.stage.name}: could not be evaluated: {names}"))
    if resolution.conflicts:
        names = ", ".join(sorted(resolution.conflicts))
        flags.append(Flag("RULE_CONFLICT", f"{stage.stage.name}: rules that exclude each other set {names}"))
    return flags


def by_hand(name: str, value: Value) -> RuleReference:
    """The reference that stands for a value which a person set over the rules."""
    return RuleReference(f"override.{name}", "", 0, "Set by hand over the rules.", {name: value})
