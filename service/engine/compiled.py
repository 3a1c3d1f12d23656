"""A rulebook made ready to decide: matcher, fact plan, and what explanations need, computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache

from service.domain.clock import Target, TargetUnit
from service.domain.decision import RuleReference
from service.domain.event import Value
from service.domain.ladder import Notification
from service.engine.clock_conditions import ClockConditions, compile_clock_conditions
from service.engine.clock_reach import target_fields
from service.engine.compiled_scores import CompiledScore, compile_scores
from service.engine.conditions import compile_condition
from service.engine.factory import build_matcher
from service.engine.facts import FactPlan
from service.engine.looks import REQUEST_FIELDS, Looks, looks, read_by
from service.engine.matcher import Matcher
from service.engine.messages import Template, compile_template
from service.engine.predicates import may_fail
from service.engine.shadow import ShadowMatcher
from service.engine.stage_memory import StageMemory
from service.engine.timekeeping import LADDER_PREFIX
from service.engine.trial import is_live
from service.rules.condition import atoms
from service.rules.model import STAGES, ClockDefinition, Output, Rule, Rulebook, Stage
from service.rules.vocabulary import FieldType, Window
from service.sla.standing import Standing, standing
from service.sla.zones import ZONE_DATA, load_zone

GIVES_REASONS = frozenset({"classification", "priority", "escalation"})


@dataclass(frozen=True, slots=True)
class CompiledStage:
    """A stage, its rules in the matcher's order, and the fields that each rule looks at (personal ones left out)."""

    stage: Stage
    rules: tuple[Rule, ...]
    references: Mapping[str, RuleReference]
    fields: Mapping[str, tuple[str, ...]]
    gives_reasons: bool
    """What is written back names the rules of this stage that decided."""
    derives: tuple[str, ...]
    """The vocabulary fields that this stage sets."""
    adds_to: frozenset[str]
    """The sets among them that an earlier stage sets too: what that set stays in."""
    dated: bool
    """Some rule is in force only for a time."""
    memory: StageMemory = field(compare=False)
    on_trial: bool = False
    """Some rule is matched and explained, but does not decide."""
    scores: tuple[CompiledScore, ...] = ()
    """Computed after the rules."""
    scored: frozenset[str] = frozenset()
    """The fields that they set."""


@dataclass(frozen=True, slots=True)
class CompiledRulebook:
    """Immutable, but for what matcher and stages remember."""

    rulebook: Rulebook
    plan: FactPlan
    matcher: Matcher
    stages: tuple[CompiledStage, ...]
    windows: tuple[tuple[str, Window], ...]
    """Every field that is a count over a window."""
    templates: Mapping[str, Template]
    tasks: tuple[ClockDefinition, ...]
    """The clocks that make a task when they start, by name."""
    ladder_outputs: tuple[str, ...]
    """The outputs of escalation that name the ladder of a clock."""
    clock_conditions: ClockConditions
    """By the condition of a clock's trigger."""
    schedule_conditions: ClockConditions
    """By the condition of a schedule."""
    standing: Standing
    """What lets clocks be left as they are."""
    target_fields: tuple[str, ...]
    """The fields on which targets and ladders depend."""
    rechecks_completeness: bool
    """Some completeness rule reads what classification derives, so it is asked again once that is known."""
    looks: Looks
    first_heed: bool
    """Completeness or classification look at what has become of the request."""
    settles_at_once: bool
    """Asked again with what they have come to, the rules come to the same."""
    completeness_last: bool
    """It may as well be asked only then: classification cannot tell the difference."""
    recalls: bool
    """Stages may answer from memory; not where matchers are to be compared or watched."""
    numbering_zone: tzinfo
    """In which a request's number takes its month."""
    data: str
    """Versions of the time zones and holidays in use."""


def compile_rulebook(
    rulebook: Rulebook,
    engine: str = "durable",
    on_difference: Callable[..., None] | None = None,
) -> CompiledRulebook:
    """Compiles for `durable`, `reference` or `shadow`. Raises EngineLimit when the rules leave the safe envelope."""
    plan = FactPlan(rulebook)
    stages = tuple(compile_stage(rulebook, stage, plan) for stage in rulebook.stages)
    matcher = build_matcher(rulebook, engine, on_difference, plan=plan)
    return CompiledRulebook(
        rulebook=rulebook,
        plan=plan,
        matcher=matcher,
        stages=stages,
        windows=tuple((name, f.window) for name, f in rulebook.vocabulary.fields.items() if f.window),
        templates={name: compile_template(languages) for name, languages in rulebook.templates.items()},
        tasks=tuple(rulebook.clocks[name] for name in sorted(rulebook.clocks) if rulebook.clocks[name].task),
        ladder_outputs=ladder_outputs(rulebook),
        clock_conditions=compile_clock_conditions(rulebook, plan),
        schedule_conditions={s.when: compile_condition(s.when, plan) for s in rulebook.schedules.values()},
        standing=standing(rulebook.revision, rulebook.clocks),
        target_fields=target_fields(rulebook),
        rechecks_completeness=reads_classification(rulebook),
        looks=looks(rulebook, plan.atoms, dated=any(stage.dated for stage in stages)),
        first_heed=any(not read_by(s).isdisjoint(REQUEST_FIELDS) for s in rulebook.stages if s.name in STAGES[:2]),
        settles_at_once=settles_at_once(rulebook),
        completeness_last=reads_classification(rulebook) and may_follow_classification(rulebook),
        recalls=not isinstance(matcher, ShadowMatcher),
        numbering_zone=load_zone(rulebook.numbering.timezone),
        data=data_versions(rulebook),
    )


def data_versions(rulebook: Rulebook) -> str:
    """Of the time zones, and of the holidays that calendars take from elsewhere: `tzdata 2026f, holidays 0.109`."""
    holidays = sorted({calendar.data for calendar in rulebook.calendars.values() if calendar.data})
    return ", ".join([f"tzdata {ZONE_DATA}", *holidays])


def ladder_outputs(rulebook: Rulebook) -> tuple[str, ...]:
    names = {
        name
        for stage in rulebook.stages
        for outputs in (stage.default, stage.on_error, *(rule.then for rule in stage.rules))
        for name in outputs
    }
    return tuple(sorted(name for name in names if name.startswith(LADDER_PREFIX)))


def compile_stage(rulebook: Rulebook, stage: Stage, plan: FactPlan) -> CompiledStage:
    vocabulary = rulebook.vocabulary
    return CompiledStage(
        stage=stage,
        rules=stage.rules,
        references={rule.id: reference(rule) for rule in stage.rules},
        fields={
            rule.id: tuple(sorted({a.field for a in atoms(rule.when) if not vocabulary[a.field].personal}))
            for rule in stage.rules
        },
        gives_reasons=stage.name in GIVES_REASONS,
        dated=any(rule.enabled_from or rule.until for rule in stage.rules),
        memory=StageMemory(stage, plan),
        on_trial=not all(is_live(rule) for rule in stage.rules),
        scores=compile_scores(stage, plan),
        scored=frozenset(name for score in stage.scores for name in score.outputs),
        derives=tuple(sorted(name for name, f in vocabulary.fields.items() if stage.name in derivers(f.derived_by))),
        adds_to=frozenset(
            name
            for name, f in vocabulary.fields.items()
            if f.type is FieldType.SET
            and stage.name in derivers(f.derived_by)
            and any(STAGES.index(other) < STAGES.index(stage.name) for other in derivers(f.derived_by))
        ),
    )


def derivers(derived_by: str) -> tuple[str, ...]:
    """The stages of a `derived_by`, which names one or several, separated by commas."""
    return tuple(part.strip() for part in derived_by.split(",") if part.strip())


def reads_classification(rulebook: Rulebook) -> bool:
    by_name = {stage.name: stage for stage in rulebook.stages}
    completeness = by_name.get("completeness")
    if completeness is None:
        return False
    read = {atom.field for rule in completeness.rules for atom in atoms(rule.when)}
    return any("classification" in derivers(rulebook.vocabulary[name].derived_by) for name in read)


def may_follow_classification(rulebook: Rulebook) -> bool:
    """Whether completeness, asked after classification only, says what it says when it is asked before, too."""
    completeness, classification = rulebook.stages[:2]
    if (completeness.name, classification.name) != STAGES[:2] or completeness.scores:
        return False
    own = {name for name, f in rulebook.vocabulary.fields.items() if completeness.name in derivers(f.derived_by)}
    own |= {"complete", "missing", "missing_count"}
    if any(rulebook.vocabulary[name].default is not None for name in own if name in rulebook.vocabulary):
        return False
    asked = {atom for rule in completeness.rules for atom in atoms(rule.when)}
    if any(may_fail(atom) for atom in asked):
        return False
    return own.isdisjoint({atom.field for atom in asked} | read_by(classification))


def settles_at_once(rulebook: Rulebook) -> bool:
    """Whether a decision on the same facts comes to the same, be it the first of its request or the second.

    What a request was classified as reaches the next decision through completeness only. So it does unless
    classification in turn looks at what completeness derives, which the loader refuses of rules.
    """
    fields = rulebook.vocabulary.fields
    derived = {"complete", "missing", "missing_count"}
    derived |= {name for name, field in fields.items() if "completeness" in derivers(field.derived_by)}
    return all(derived.isdisjoint(read_by(stage)) for stage in rulebook.stages if stage.name == "classification")


def reference(rule: Rule) -> RuleReference:
    outputs = {name: plain(value) for name, value in rule.then.items()}
    return RuleReference(rule.id, rule.file, rule.line, rule.because, outputs)


def plain(value: Output) -> Value:
    """An output as explanations and the log show it."""
    if isinstance(value, Target):
        return show_target(value)
    if isinstance(value, tuple):
        return [role for item in value for role in (item.roles if isinstance(item, Notification) else (str(item),))]
    return value


@lru_cache(1024)
def show_target(target: Target) -> str:
    """Such as `24h cn-business` or `1bd cn-business`."""
    amount = f"{target.amount}bd" if target.unit is TargetUnit.WORKING_DAYS else show_seconds(target.amount)
    end_of_day = " end of day" if target.end_of_day else ""
    return f"{amount} {target.calendar}".strip() + end_of_day


def show_seconds(seconds: int) -> str:
    """Such as `1h30m`."""
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
