"""The names that a test file may use: all names that the rules under test declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from answerby.domain.clock_definition import events_of
from answerby.domain.condition import Op, atoms
from answerby.domain.decision import LADDER_PREFIX
from answerby.domain.event import OVERRIDE_PREFIX, EventType
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.model.rulebook import OWNER, Output, Rule, Rulebook
from answerby.rules.model.vocabulary import Field, FieldType

FLAGS = frozenset(
    {
        "ABSORBED",
        "ACKNOWLEDGED_NOTHING",
        "BEFORE_REQUEST",
        "CALENDAR_PROVISIONAL",
        "CALENDAR_YEAR_MISSING",
        "CLOCK_CONDITION_FAILED",
        "CONDITION_ERROR",
        "CORRECTION_NOT_APPLIED",
        "CORRECTION_REFUSED",
        "CORRECTION_WAITS",
        "DERIVED_FIELD",
        "DUE_REFUSED",
        "FACT_REFUSED",
        "FORWARDED",
        "IN_THE_FUTURE",
        "LADDER_HELD",
        "MERGE_CHAIN_TOO_LONG",
        "MERGE_CIRCLE",
        "MERGE_REFUSED",
        "MERGE_TARGET_MISSING",
        "MISSING_FACT",
        "MORE_FLAGS",
        "NEW_REQUEST_BY_REPLY",
        "NOT_FOLDED",
        "OUT_OF_ORDER",
        "OVERRIDE_REFUSED",
        "REOPENED_BY_REPLY",
        "REPLY_AFTER_COMPLETION",
        "RETROACTIVE",
        "RULE_CONFLICT",
        "SCHEDULE_CONDITION_FAILED",
        "SCHEDULE_MISSED",
        "SCORE_ERROR",
        "SCORE_INCOMPLETE",
        "STARTED_WITHOUT_RECEIPT",
        "TARGET_OUT_OF_REACH",
        "TEXT_CLEANED",
        "TEXT_CUT",
        "TIMER_STALE",
        "UNKNOWN_EVENT_TYPE",
        "UNKNOWN_FIELD",
        "UNKNOWN_VALUE",
    }
)
"""Codes of the flags that decisions carry."""
INTERNAL_TYPES = frozenset({EventType.TIMER_DUE, EventType.SCHEDULE_DUE, EventType.RULEBOOK_ACTIVATED})


@dataclass(frozen=True)
class KnownNames:
    """Names by kind."""

    compiled: CompiledRulebook
    fields: Mapping[str, Field]
    rules: Mapping[str, Rule]
    deciders: Mapping[str, str]
    """Whatever may decide in a stage: rules, steps of ladders and values set by hand, by id; the stage."""
    roles: frozenset[str]
    templates: frozenset[str]
    clocks: frozenset[str]
    calendars: frozenset[str]
    schedules: frozenset[str]
    cases: frozenset[str]
    """Ids of cases that an `open_case` of a rule or a ladder step opens."""
    event_types: frozenset[str]
    derivable_values: Mapping[str, frozenset[str]]
    """For each derived field with values that the vocabulary leaves open: the values that rules or ladders give."""


def known_names(compiled: CompiledRulebook) -> KnownNames:
    """The names of a rulebook."""
    rulebook = compiled.rulebook
    rules = {rule.id: rule for stage in rulebook.stages for rule in stage.rules}
    derivable = derivable_values(rulebook)
    return KnownNames(
        compiled=compiled,
        fields=rulebook.vocabulary.fields,
        rules=rules,
        deciders=deciders(rulebook),
        roles=frozenset({OWNER, *rulebook.roles, *(clock.role for clock in rulebook.clocks.values() if clock.role)}),
        templates=frozenset(rulebook.templates),
        clocks=frozenset(rulebook.clocks),
        calendars=frozenset({"always", *rulebook.calendars}),
        schedules=frozenset(rulebook.schedules),
        cases=frozenset(case_ids(rulebook)),
        event_types=frozenset(event_types(rulebook)),
        derivable_values={
            name: derivable.get(name, frozenset())
            for name, field in rulebook.vocabulary.fields.items()
            if field.derived_by and not field.values and field.type in (FieldType.STRING, FieldType.SET)
        },
    )


def deciders(rulebook: Rulebook) -> dict[str, str]:
    """The stage in which each rule, each step of a ladder and each value set by hand may decide, by id."""
    found = {
        f"{OVERRIDE_PREFIX}{name}": field.derived_by[0]
        for name, field in rulebook.vocabulary.fields.items()
        if field.derived_by
    }
    for ladder in rulebook.ladders.values():
        for number, step in enumerate(ladder.steps, 1):
            if step.raise_priority or step.reassign is not None:
                found[f"{LADDER_PREFIX}{ladder.id}#{number}"] = "priority" if step.raise_priority else "routing"
    return {**found, **{rule.id: rule.stage for stage in rulebook.stages for rule in stage.rules}}


def outputs(rulebook: Rulebook) -> Iterator[Mapping[str, Output]]:
    """All outputs of rules, defaults and safe sides."""
    for stage in rulebook.stages:
        yield stage.default
        yield stage.on_error
        yield from (rule.then for rule in stage.rules)


def reassigned_values(rulebook: Rulebook) -> Iterator[tuple[str, str, str]]:
    """The values that steps of ladders give to fields: field, value, and the id of the ladder."""
    for ladder in rulebook.ladders.values():
        for step in ladder.steps:
            if step.reassign is not None:
                yield from ((name, value, ladder.id) for name, value in step.reassign.values.items())


def derivable_values(rulebook: Rulebook) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for then in outputs(rulebook):
        for name, value in then.items():
            items = value if isinstance(value, (list, tuple)) else [value]
            found.setdefault(name, set()).update(item for item in items if isinstance(item, str))
    for name, value, _ in reassigned_values(rulebook):
        found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def case_ids(rulebook: Rulebook) -> Iterator[str]:
    for then in outputs(rulebook):
        if "open_case" in then:
            yield str(then["open_case"])
    for ladder in rulebook.ladders.values():
        yield from (step.open_case for step in ladder.steps if step.open_case)


def event_types(rulebook: Rulebook) -> Iterator[str]:
    """Event types with a meaning, and types that rules or clocks name."""
    yield from (kind.value for kind in EventType if kind not in INTERNAL_TYPES)
    for clock in rulebook.clocks.values():
        for trigger in (*clock.start, *clock.stop):
            yield from events_of(trigger)
    for stage in rulebook.stages:
        for rule in stage.rules:
            for atom in atoms(rule.when):
                if atom.field == "event.type" and atom.op in (Op.EQ, Op.IN, Op.EQUALS):
                    yield from (str(operand) for operand in atom.operands)
