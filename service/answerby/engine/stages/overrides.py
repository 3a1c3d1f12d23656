"""Overrides: values that a person set by hand (`override.<field>` facts). They win over every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from answerby.domain.decision import Flag
from answerby.domain.event import OVERRIDE_PREFIX as PREFIX
from answerby.domain.event import Value
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.facts.coercion import Refused
from answerby.engine.facts.nearest_name import LONGEST_NAME
from answerby.engine.facts.plan import FactPlan
from answerby.engine.facts.record import Record
from answerby.engine.stages.sources import by_hand
from answerby.engine.stages.stage import StageResult
from answerby.rules.text.diagnostics import did_you_mean

OVERRIDE_REFUSED = "OVERRIDE_REFUSED"
STRAYS_SHOWN = 10


def split_overrides(given: dict[str, Value]) -> tuple[dict[str, Value], dict[str, Value]]:
    """The given facts without overrides, and the overrides by field."""
    overrides = {name.removeprefix(PREFIX): value for name, value in given.items() if name.startswith(PREFIX)}
    if overrides:
        given = {name: value for name, value in given.items() if not name.startswith(PREFIX)}
    return given, overrides


def is_held(plan: FactPlan, given: Mapping[str, Value], name: str) -> bool:
    """Whether a person has set the field, which rules derive, to a value that it takes."""
    value, field = given.get(PREFIX + name), plan.rulebook.vocabulary.fields.get(name)
    if value is None or field is None or not field.derived_by:
        return False
    try:
        return plan.coercers[name](value, []) is not None
    except Refused:
        return False


def apply_overrides(overrides: Mapping[str, Value], names: Iterable[str], result: StageResult, record: Record) -> None:
    """Puts the overrides of these fields into the result. Values that the vocabulary refuses are flagged instead."""
    for name in names:
        given = overrides.get(name)
        if given is None:
            continue
        try:
            typed = record.plan.coercers[name](given, result.flags)
        except Refused as refusal:
            result.flags.append(Flag(OVERRIDE_REFUSED, f"{name}: the value set by hand {refusal}"))
            continue
        if typed is None:
            continue
        record.set(name, typed)
        value = record.value(name)
        result.replace_output(name, value, by_hand(name, value))


def stray_overrides(compiled: CompiledRulebook, overrides: Mapping[str, Value]) -> list[Flag]:
    """Flags for overrides of fields that no rule derives, which have no effect."""
    if not overrides:
        return []
    derived = {name for stage in compiled.stages for name in stage.derives}
    strays = sorted(name for name in overrides if name not in derived)
    return [Flag(OVERRIDE_REFUSED, _stray(name, derived)) for name in strays[:STRAYS_SHOWN]]


def _stray(name: str, derived: Iterable[str]) -> str:
    hint = did_you_mean(name, derived)
    return f"{(PREFIX + name)[:LONGEST_NAME]}: rules derive no such field" + (f" ({hint})" if hint else "")
