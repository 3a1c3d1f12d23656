"""Values that a person set by hand: `override.<field>` facts win over every rule and are shown as such."""

from __future__ import annotations

import msgspec

from service.domain.decision import Flag
from service.domain.event import Value
from service.domain.request import RequestState
from service.engine.compiled import CompiledStage
from service.engine.facts import Record
from service.engine.lifecycle import OVERRIDE_PREFIX
from service.engine.stages import StageResult, by_hand
from service.rules.vocabulary import Field, Vocabulary


def apply_overrides(
    vocabulary: Vocabulary, request: RequestState, stage: CompiledStage, result: StageResult, record: Record
) -> StageResult:
    """The stage's result with the overrides of its fields; one that the vocabulary refuses is flagged, not taken."""
    for name in stage.derives:
        value = request.given.get(OVERRIDE_PREFIX + name)
        if value is None:
            continue
        if not fits(vocabulary[name], value):
            refused = Flag("OVERRIDE_REFUSED", f"{name}: {value!r} is not one of the vocabulary's values")
            result.flags.append(refused)
            continue
        result.outputs[name] = value
        result.setters.pop(name, None)
        record.set(name, value)
        result = set_by_hand(result, name, value)
    return result


def fits(known: Field, value: Value) -> bool:
    return not known.values or value in known.values


def set_by_hand(result: StageResult, name: str, value: Value) -> StageResult:
    explanation = msgspec.structs.replace(
        result.explanation,
        won=[by_hand(name, value), *result.explanation.won],
        outputs={**result.explanation.outputs, name: value},
    )
    return StageResult(result.outputs, result.setters, explanation, result.flags)
