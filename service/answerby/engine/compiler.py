"""From a rulebook to one made ready to decide: matcher, fact plan, and what explanations need, computed once."""

# Stays interpreted: it runs once per rulebook, beside requests: compiled loops would not let these in.
from __future__ import annotations

from collections.abc import Callable

from answerby.domain.condition import atoms
from answerby.domain.decision import RuleReference
from answerby.engine.clocks.reach import target_fields
from answerby.engine.compiled.clock_conditions import compile_clock_conditions
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage, plain
from answerby.engine.compiled.scores import compile_scores
from answerby.engine.compiled.templates import compile_template
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.predicates import may_fail
from answerby.engine.matching.comparing import ShadowMatcher
from answerby.engine.matching.factory import build_matcher
from answerby.engine.memory.looks import REQUEST_FIELDS, looks, read_by
from answerby.engine.memory.stage_memory import StageMemory
from answerby.engine.stages.shadow_rules import is_live
from answerby.engine.stages.targets import LADDER_PREFIX
from answerby.rules.model.rulebook import STAGES, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import FieldType
from answerby.sla.standing import standing
from answerby.sla.zones import ZONE_DATA, load_zone

GIVES_REASONS = frozenset({"classification", "priority", "escalation"})


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
