"""The outcome that somebody wants instead of the decided one.

`priority=P0`, `sla.first_response=15m`, `rule=safety-fire`.
"""

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


class Query(NamedTuple):
    name: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class WantedOutcome:
    """An outcome. `is_wanted` tests one output of a rule, `is_met` a whole decision."""

    text: str
    name: str
    """The output, such as `priority` or `sla.first_response`."""
    stages: tuple[str, ...]
    """The stage that derives it."""
    is_wanted: Callable[[Output], bool]
    is_met: Callable[[Decision], bool]
    rule: str = ""
    """The id of the one rule that must win."""
    wants_none: bool = False
    """The outcome is that nothing of the kind is derived."""


def parse_wanted_outcome(rulebook: Rulebook, text: str) -> WantedOutcome:
    """Raises InvalidInput, which names the closest valid words."""
    query = _split(text)
    name = query.name
    if name == RULE:
        return _rule_outcome(rulebook, query)
    if name.startswith(DUE):
        return _due_outcome(rulebook, query)
    if name.startswith((SLA, LADDER)):
        return _clock_outcome(rulebook, query)
    if name in ESCALATIONS:
        return _listed_outcome(query)
    field = rulebook.vocabulary.fields.get(name)
    if field is None:
        known = [n for n, f in rulebook.vocabulary.fields.items() if f.derived_by]
        known += [prefix + clock for clock in rulebook.clocks for prefix in (SLA, DUE)]
        raise _wrong(f"{name!r} is nothing that rules derive", name, [*known, *ESCALATIONS, RULE])
    if not field.derived_by:
        raise _wrong(f"{name} is given, not derived; ask for what rules derive, such as priority=P0")
    return _field_outcome(field, query)


def value_of(decision: Decision, name: str) -> Value:
    """The value derived under this name. None if there is none."""
    if name in decision.facts:
        return decision.facts[name]
    return next((stage.outputs[name] for stage in decision.explanation if name in stage.outputs), None)


def live_rules(rulebook: Rulebook, stage: str, at: datetime) -> list[Rule]:
    """The rules of a stage that can decide: in force at the moment and not in shadow mode."""
    found = [s for s in rulebook.stages if s.name == stage]
    return [r for s in found for r in s.rules if in_force(r, at) and r.mode is RuleMode.LIVE]


def _split(text: str) -> Query:
    for operator in OPERATORS:
        name, found, value = text.partition(operator)
        if found and not set(name) & set("=<>!"):
            if name.strip() and value.strip():
                return Query(name.strip(), operator, value.strip())
            break
    raise _wrong(f"{text!r} is no outcome; write it such as priority=P0, sla.first_response=15m or rule=<id>")


def _wrong(message: str, given: str = "", known: Iterable[str] = ()) -> InvalidInput:
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5) if given else []
    hint = f"; did you mean {near[0]}?" if near else ""
    return InvalidInput([FieldViolation(WHERE, message + hint)])


def _only(query: Query, *operators: str) -> None:
    if query.operator not in operators:
        raise _wrong(f"{query.name} is asked for with {' or '.join(operators)}, not with {query.operator}")


def _rule_outcome(rulebook: Rulebook, query: Query) -> WantedOutcome:
    _only(query, "=")
    rules = {rule.id: rule for stage in rulebook.stages for rule in stage.rules}
    rule = rules.get(query.value)
    if rule is None:
        raise _wrong(f"no rule has the id {query.value!r}", query.value, rules)
    return WantedOutcome(
        text=f"{RULE}={rule.id}",
        name=next(iter(rule.then), ""),
        stages=(rule.stage,),
        is_wanted=lambda _: False,
        is_met=lambda decision: any(won.id == rule.id for stage in decision.explanation for won in stage.won),
        rule=rule.id,
    )


def _field_outcome(field: Field, query: Query) -> WantedOutcome:
    stages = field.derived_by
    if query.value == NONE:
        _only(query, "=", "!=")
        return _plain_outcome(
            query, stages, lambda value: value in (None, []), field.name, wants_none=query.operator == "="
        )
    value = _typed(field, query.value)
    if field.type is FieldType.SET:
        _only(query, "=", "!=")
        members = set(value) if isinstance(value, (frozenset, set)) else {str(value)}
        return _plain_outcome(query, stages, lambda v: members <= set(_listed(v)), field.name)
    if query.operator in {"=", "!="}:
        return _plain_outcome(query, stages, lambda v: v == value, field.name)
    if field.type is FieldType.ENUM:
        limit = field.severity(str(value))
        compare = _at_most if query.operator == "<=" else _at_least
        return _plain_outcome(
            query, stages, lambda v: v in field.values and compare(field.severity(str(v)), limit), field.name
        )
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _wrong(f"{field.name} has no order; ask with =")
    number = value
    compare = _at_most if query.operator == "<=" else _at_least
    return _plain_outcome(query, stages, lambda v: isinstance(v, (int, float)) and compare(v, number), field.name)


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


def _listed_outcome(query: Query) -> WantedOutcome:
    _only(query, "=", "!=")
    none = query.value == NONE
    is_met = (lambda v: v in (None, [], "")) if none else (lambda v: query.value in _listed(v))
    return _plain_outcome(query, ("escalation",), is_met, query.name, wants_none=none and query.operator == "=")


def _clock_outcome(rulebook: Rulebook, query: Query) -> WantedOutcome:
    _only(query, "=", "!=")
    prefix, _, clock = query.name.partition(".")
    _known_clock(rulebook, clock)
    stage = "sla" if f"{prefix}." == SLA else "escalation"
    if query.value == NONE:
        return _plain_outcome(query, (stage,), lambda v: v is None, query.name, wants_none=query.operator == "=")
    if stage == "escalation":
        return _plain_outcome(query, (stage,), lambda v: v == query.value, query.name)
    amount, _, calendar = query.value.partition(" ")
    duration = parse_duration(amount)
    if duration is None:
        raise _wrong(f"{amount!r} is not a duration; write it such as 15m, 2h or 1bd, or 15m always")
    if calendar and calendar not in rulebook.calendars:
        raise _wrong(f"no calendar has the id {calendar!r}", calendar, rulebook.calendars)
    target_text = show_target(Target(duration.amount, TargetUnit(duration.unit), calendar))
    return _plain_outcome(
        query,
        (stage,),
        lambda v: isinstance(v, str) and (v == target_text or v.startswith(f"{target_text} ")),
        query.name,
    )


def _due_outcome(rulebook: Rulebook, query: Query) -> WantedOutcome:
    _only(query, "<=", ">=")
    clock = query.name.removeprefix(DUE)
    _known_clock(rulebook, clock)
    try:
        limit = datetime.fromisoformat(query.value)
    except ValueError:
        raise _wrong(f"{query.value!r} is no instant; write it such as 2026-01-05T09:00:00+08:00") from None
    if limit.tzinfo is None:
        raise _wrong(f"{query.value} names no offset; write {query.value}+08:00 or {query.value}Z")
    compare = _at_most if query.operator == "<=" else _at_least

    def is_met(decision: Decision) -> bool:
        due = next((c.due for c in decision.clocks if c.name == clock), None)
        return due is not None and compare(due.timestamp(), limit.timestamp())

    text = f"{query.name}{query.operator}{query.value}"
    return WantedOutcome(text, SLA + clock, ("sla",), is_wanted=lambda _: True, is_met=is_met)


def _known_clock(rulebook: Rulebook, clock: str) -> None:
    if clock not in rulebook.clocks:
        raise _wrong(f"no clock has the id {clock!r}", clock, rulebook.clocks)


def _plain_outcome(
    query: Query, stages: tuple[str, ...], test: Callable[[Value], bool], name: str, *, wants_none: bool = False
) -> WantedOutcome:
    negated = query.operator == "!="

    def is_met(decision: Decision) -> bool:
        return test(value_of(decision, name)) is not negated

    return WantedOutcome(
        text=f"{query.name}{query.operator}{query.value}",
        name=name,
        stages=stages,
        is_wanted=lambda output: test(plain(output)) is not negated,
        is_met=is_met,
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
