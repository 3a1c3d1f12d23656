"""Values that a person set by hand: `override.<field>` facts win over every rule and are shown as such."""

from __future__ import annotations

import msgspec

from service.domain.decision import Flag
from service.domain.event import Value
from service.domain.request import RequestState
from service.engine.coercion import Refused
from service.engine.compiled import CompiledRulebook, CompiledStage
from service.engine.facts import Record
from service.engine.lifecycle import OVERRIDE_PREFIX
from service.engine.stages import StageResult, by_hand

OVERRIDE_REFUSED = "OVERRIDE_REFUSED"
STRAYS_SHOWN = 10


def apply_overrides(request: RequestState, stage: CompiledStage, result: StageResult, record: Record) -> StageResult:
    """The stage's result with the overrides of its fields; one that the vocabulary refuses is flagged, not taken."""
    for name in stage.derives:
        given = request.given.get(OVERRIDE_PREFIX + name)
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
        result.outputs[name] = value
        result.setters.pop(name, None)
        result = set_by_hand(result, name, value)
    return result


def stray_overrides(compiled: CompiledRulebook, request: RequestState) -> list[Flag]:
    """Overrides of what no rule derives: they would be ignored without a word."""
    derived = {name for stage in compiled.stages for name in stage.derives}
    strays = sorted(
        name
        for name in request.given
        if name.startswith(OVERRIDE_PREFIX) and name.removeprefix(OVERRIDE_PREFIX) not in derived
    )
    return [Flag(OVERRIDE_REFUSED, f"{name[:100]}: rules derive no such field") for name in strays[:STRAYS_SHOWN]]


def set_by_hand(result: StageResult, name: str, value: Value) -> StageResult:
    explanation = msgspec.structs.replace(
        result.explanation,
        won=[by_hand(name, value), *result.explanation.won],
        outputs={**result.explanation.outputs, name: value},
    )
    return StageResult(result.outputs, result.setters, explanation, result.flags)
