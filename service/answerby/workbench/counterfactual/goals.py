"""What somebody asks for instead of what was decided: `priority=P0`, `sla.first_response=15m`, `rule=safety-fire`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.decision import Decision
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import plain, show_target
from answerby.engine.facts.coercion import Refused, coercer
from answerby.engine.stages.hit import in_force
from answerby.rules.model.rulebook import Output, Rule, Rulebook, RuleMode
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.values.durations import parse_duration

RULE, DUE, SLA, LADDER = "rule", "due.", "sla.", "ladder."
ESCALATIONS = ("notify", "open_case")
NONE = "none"
OPERATORS = ("!=", "<=", ">=", "=")
WHERE = "why_not"


class Asked(NamedTuple):
    name: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Goal:
    """An outcome. `wanted` tells of what one rule sets whether it is that; `met` tells of a decision."""

    text: str
    name: str
    """The output, such as `priority` or `sla.first_response`."""
    stages: tuple[str, ...]
    """Where it is derived."""
    wanted: Callable[[Output], bool]
    met: Callable[[Decision], bool]
    rule: str = ""
    """The id of the one rule that must win."""
    wants_none: bool = False
    """Met when nothing of the kind is derived."""


def parse_goal(rulebook: Rulebook, text: str) -> Goal:
    """Raises InvalidInput, naming what could have been meant."""
    asked = _split(text)
    name = asked.name
    if name == RULE:
        return _rule_goal(rulebook, asked)
    if name.startswith(DUE):
        return _due_goal(rulebook, asked)
    if name.startswith((SLA, LADDER)):
        return _clock_goal(rulebook, asked)
    if name in ESCALATIONS:
        return _listed_goal(asked)
    field = rulebook.vocabulary.fields.get(name)
    if field is None:
        known = [n for n, f in rulebook.vocabulary.fields.items() if f.derived_by]
        known += [prefix + clock for clock in rulebook.clocks for prefix in (SLA, DUE)]
        raise _wrong(f"{name!r} is nothing that rules derive", name, [*known, *ESCALATIONS, RULE])
    if not field.derived_by:
        raise _wrong(f"{name} is given, not derived; ask for what rules derive, such as priority=P0")
    return _field_goal(field, asked)


def value_of(decision: Decision, name: str) -> Value:
    """What was derived under this name; None when nothing."""
    if name in decision.facts:
        return decision.facts[name]
    return next((stage.outputs[name] for stage in decision.explanation if name in stage.outputs), None)


def live_rules(rulebook: Rulebook, stage: str, at: datetime) -> list[Rule]:
    """The rules of a stage that can decide: in force at the moment and not in shadow mode."""
    found = [s for s in rulebook.stages if s.name == stage]
    return [r for s in found for r in s.rules if in_force(r, at) and r.mode is RuleMode.LIVE]


def _split(text: str) -> Asked:
    for operator in OPERATORS:
        name, found, value = text.partition(operator)
        if found and not set(name) & set("=<>!"):
            if name.strip() and value.strip():
                return Asked(name.strip(), operator, value.strip())
            break
    raise _wrong(f"{text!r} is no outcome; write it such as priority=P0, sla.first_response=15m or rule=<id>")


def _wrong(message: str, given: str = "", known: Iterable[str] = ()) -> InvalidInput:
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5) if given else []
    hint = f"; did you mean {near[0]}?" if near else ""
    return InvalidInput([FieldViolation(WHERE, message + hint)])


def _only(asked: Asked, *operators: str) -> None:
    if asked.operator not in operators:
        raise _wrong(f"{asked.name} is asked for with {' or '.join(operators)}, not with {asked.operator}")


def _rule_goal(rulebook: Rulebook, asked: Asked) -> Goal:
    _only(asked, "=")
    rules = {rule.id: rule for stage in rulebook.stages for rule in stage.rules}
    rule = rules.get(asked.value)
    if rule is None:
        raise _wrong(f"no rule has the id {asked.value!r}", asked.value, rules)
    return Goal(
        text=f"{RULE}={rule.id}",
        name=next(iter(rule.then), ""),
        stages=(rule.stage,),
        wanted=lambda _: False,
        met=lambda decision: any(won.id == rule.id for stage in decision.explanation for won in stage.won),
        rule=rule.id,
    )


def _field_goal(field: Field, asked: Asked) -> Goal:
    stages = field.derived_by
    if asked.value == NONE:
        _only(asked, "=", "!=")
        return _plain_goal(
            asked, stages, lambda value: value in (None, []), field.name, wants_none=asked.operator == "="
        )
    value = _typed(field, asked.value)
    if field.type is FieldType.SET:
        _only(asked, "=", "!=")
        members = set(value) if isinstance(value, (frozenset, set)) else {str(value)}
        return _plain_goal(asked, stages, lambda v: members <= set(_listed(v)), field.name)
    if asked.operator in {"=", "!="}:
        return _plain_goal(asked, stages, lambda v: v == value, field.name)
    if field.type is FieldType.ENUM:
        limit = field.severity(str(value))
        compare = _at_most if asked.operator == "<=" else _at_least
        return _plain_goal(
            asked, stages, lambda v: v in field.values and compare(field.severity(str(v)), limit), field.name
        )
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong(f"{field.name} has no order; ask with =")
    number = value
    compare = _at_most if asked.operator == "<=" else _at_least
    return _plain_goal(asked, stages, lambda v: isinstance(v, (int, float)) and compare(v, number), field.name)


def _typed(field: Field, text: str) -> object:
    value: object = text
    if field.type is FieldType.BOOLEAN:
        value = {"true": True, "yes": True, "false": False, "no": False}.get(text.casefold(), text)
    elif field.type in {FieldType.INTEGER, FieldType.DECIMAL}:
        try:
            value = float(text)
        except ValueError:
            value = text
    if field.values and text not in field.values and text not in field.aliases:
        raise _wrong(f"{field.name} has no value {text!r}, but {', '.join(field.values)}", text, field.values)
    try:
        return coercer(field)(value, [])
    except Refused as refusal:
        raise _wrong(f"{field.name} {refusal}") from None


def _listed_goal(asked: Asked) -> Goal:
    _only(asked, "=", "!=")
    none = asked.value == NONE
    is_met = (lambda v: v in (None, [], "")) if none else (lambda v: asked.value in _listed(v))
    return _plain_goal(asked, ("escalation",), is_met, asked.name, wants_none=none and asked.operator == "=")


def _clock_goal(rulebook: Rulebook, asked: Asked) -> Goal:
    _only(asked, "=", "!=")
    prefix, _, clock = asked.name.partition(".")
    _known_clock(rulebook, clock)
    stage = "sla" if f"{prefix}." == SLA else "escalation"
    if asked.value == NONE:
        return _plain_goal(asked, (stage,), lambda v: v is None, asked.name, wants_none=asked.operator == "=")
    if stage == "escalation":
        return _plain_goal(asked, (stage,), lambda v: v == asked.value, asked.name)
    amount, _, calendar = asked.value.partition(" ")
    duration = parse_duration(amount)
    if duration is None:
        raise _wrong(f"{amount!r} is not a duration; write it such as 15m, 2h or 1bd, or 15m always")
    if calendar and calendar not in rulebook.calendars:
        raise _wrong(f"no calendar has the id {calendar!r}", calendar, rulebook.calendars)
    shown = show_target(Target(duration.amount, TargetUnit(duration.unit), calendar))
    return _plain_goal(
        asked, (stage,), lambda v: isinstance(v, str) and (v == shown or v.startswith(f"{shown} ")), asked.name
    )


def _due_goal(rulebook: Rulebook, asked: Asked) -> Goal:
    _only(asked, "<=", ">=")
    clock = asked.name.removeprefix(DUE)
    _known_clock(rulebook, clock)
    try:
        limit = datetime.fromisoformat(asked.value)
    except ValueError:
        raise _wrong(f"{asked.value!r} is no instant; write it such as 2026-01-05T09:00:00+08:00") from None
    if limit.tzinfo is None:
        raise _wrong(f"{asked.value} names no offset; write {asked.value}+08:00 or {asked.value}Z")
    compare = _at_most if asked.operator == "<=" else _at_least

    def met(decision: Decision) -> bool:
        due = next((c.due for c in decision.clocks if c.name == clock), None)
        return due is not None and compare(due.timestamp(), limit.timestamp())

    text = f"{asked.name}{asked.operator}{asked.value}"
    return Goal(text, SLA + clock, ("sla",), wanted=lambda _: True, met=met)


def _known_clock(rulebook: Rulebook, clock: str) -> None:
    if clock not in rulebook.clocks:
        raise _wrong(f"no clock has the id {clock!r}", clock, rulebook.clocks)


def _plain_goal(
    asked: Asked, stages: tuple[str, ...], test: Callable[[Value], bool], name: str, *, wants_none: bool = False
) -> Goal:
    negated = asked.operator == "!="

    def met(decision: Decision) -> bool:
        return test(value_of(decision, name)) is not negated

    return Goal(
        text=f"{asked.name}{asked.operator}{asked.value}",
        name=name,
        stages=stages,
        wanted=lambda output: test(plain(output)) is not negated,
        met=met,
        wants_none=wants_none,
    )


def _listed(value: Value) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [str(value)]


def _at_most(value: float, limit: float) -> bool:
    return value <= limit


def _at_least(value: float, limit: float) -> bool:
    return value >= limit
