"""Compiles rulebooks: matcher, fact plan, and data for explanations, computed once per rulebook."""

# Stays interpreted: it runs once per rulebook, beside requests: compiled loops would not let these in.
from __future__ import annotations

from collections.abc import Callable, Iterator

from answerby.domain.condition import atoms
from answerby.domain.decision import RuleReference
from answerby.domain.ladder import Notification
from answerby.engine.clocks.reach import target_fields
from answerby.engine.compiled.clock_conditions import compile_clock_conditions
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage, plain
from answerby.engine.compiled.scores import compile_scores
from answerby.engine.compiled.templates import compile_template
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.matching.factory import build_matcher
from answerby.engine.stages.shadow_rules import is_live
from answerby.engine.stages.targets import LADDER_PREFIX, safe_targets
from answerby.rules.model.rulebook import CLASSIFICATION, COMPLETENESS, EVALUATION_ORDER, Output, Rule, Rulebook, Stage
from answerby.rules.model.vocabulary import FieldType
from answerby.sla.zones import ZONE_DATA, load_zone

GIVES_REASONS = frozenset({"classification", "priority", "escalation"})


def compile_rulebook(
    rulebook: Rulebook,
    engine: str = "durable",
    on_difference: Callable[..., None] | None = None,
) -> CompiledRulebook:
    """Compiles for the engine `durable`, `reference` or `shadow`.

    `on_difference` is called when the engines of `shadow` differ. Raises EngineLimit when the rules leave the safe
    envelope.
    """
    plan = FactPlan(rulebook)
    stages = tuple(compile_stage(rulebook, number, stage, plan) for number, stage in enumerate(rulebook.stages))
    by_name = {stage.stage.name: stage for stage in stages}
    matcher = build_matcher(rulebook, engine, on_difference, plan=plan)
    instants = frozenset(n for n, f in rulebook.vocabulary.fields.items() if f.type is FieldType.INSTANT)
    return CompiledRulebook(
        rulebook=rulebook,
        plan=plan,
        matcher=matcher,
        stages=stages,
        classification=by_name.get(CLASSIFICATION),
        completeness=by_name.get(COMPLETENESS),
        later_stages=tuple(stage for stage in stages if stage.stage.name not in (CLASSIFICATION, COMPLETENESS)),
        windows=tuple((name, f.window) for name, f in rulebook.vocabulary.fields.items() if f.window),
        templates={name: compile_template(languages, instants) for name, languages in rulebook.templates.items()},
        graded_templates=graded_templates(rulebook),
        tasks=tuple(rulebook.clocks[name] for name in sorted(rulebook.clocks) if rulebook.clocks[name].task),
        ladder_outputs=ladder_outputs(rulebook),
        clock_conditions=compile_clock_conditions(rulebook, plan),
        schedule_conditions={s.when: compile_condition(s.when, plan) for s in rulebook.schedules.values()},
        target_fields=target_fields(rulebook),
        safe_targets=safe_targets(rulebook),
        numbering_zone=load_zone(rulebook.numbering.timezone),
        data=data_versions(rulebook),
    )


def data_versions(rulebook: Rulebook) -> str:
    """Versions of the time zones and of holiday packages in use, such as `tzdata 2026f, holidays 0.109`."""
    holidays = sorted({calendar.data for calendar in rulebook.calendars.values() if calendar.data})
    return ", ".join([f"tzdata {ZONE_DATA}", *holidays])


def graded_templates(rulebook: Rulebook) -> frozenset[str]:
    grades: dict[str, set[tuple[bool, bool]]] = {}
    for output in outputs_of(rulebook, "notify"):
        for item in output if isinstance(output, tuple) else ():
            if isinstance(item, Notification):
                grades.setdefault(item.template, set()).add((item.urgent, item.until_acknowledged))
    return frozenset(template for template, found in grades.items() if len(found) > 1)


def outputs_of(rulebook: Rulebook, name: str) -> Iterator[Output]:
    """Every value that some stage may set for the output."""
    for stage in rulebook.stages:
        for outputs in (stage.default, stage.on_error, *(rule.then for rule in stage.rules)):
            if name in outputs:
                yield outputs[name]


def ladder_outputs(rulebook: Rulebook) -> tuple[str, ...]:
    names = {
        name
        for stage in rulebook.stages
        for outputs in (stage.default, stage.on_error, *(rule.then for rule in stage.rules))
        for name in outputs
    }
    return tuple(sorted(name for name in names if name.startswith(LADDER_PREFIX)))


def compile_stage(rulebook: Rulebook, number: int, stage: Stage, plan: FactPlan) -> CompiledStage:
    vocabulary = rulebook.vocabulary
    asked_before = EVALUATION_ORDER[: EVALUATION_ORDER.index(stage.name)]
    return CompiledStage(
        number=number,
        stage=stage,
        rules=stage.rules,
        references={rule.id: reference(rule) for rule in stage.rules},
        fields={
            rule.id: tuple(sorted({a.field for a in atoms(rule.when) if not vocabulary[a.field].personal}))
            for rule in stage.rules
        },
        gives_reasons=stage.name in GIVES_REASONS,
        dated=any(rule.enabled_from or rule.until for rule in stage.rules),
        has_shadow_rules=not all(is_live(rule) for rule in stage.rules),
        scores=compile_scores(stage, plan),
        score_fields=frozenset(name for score in stage.scores for name in score.outputs),
        derives=tuple(sorted(name for name, f in vocabulary.fields.items() if stage.name in f.derived_by)),
        adds_to=frozenset(
            name
            for name, f in vocabulary.fields.items()
            if f.type is FieldType.SET and stage.name in f.derived_by and not set(asked_before).isdisjoint(f.derived_by)
        ),
    )


def reference(rule: Rule) -> RuleReference:
    outputs = {name: plain(value) for name, value in rule.then.items()}
    return RuleReference(rule.id, rule.file, rule.line, rule.because, outputs)
