"""Values that ladders gave: a raised priority, another department or role. They stay when rules decide again."""

from __future__ import annotations

from answerby.domain.request import RequestState
from answerby.engine.facts.record import Record
from answerby.engine.stages.stage import StageResult
from answerby.rules.model.vocabulary import FieldType, Vocabulary

PRIORITY = "priority"


def ordered_priorities(vocabulary: Vocabulary) -> tuple[str, ...]:
    if PRIORITY not in vocabulary or vocabulary[PRIORITY].type is not FieldType.ENUM:
        return ()
    return vocabulary[PRIORITY].values


def keep_priority_floor(vocabulary: Vocabulary, request: RequestState, result: StageResult, record: Record) -> None:
    """Keeps the priority at least at the value to which a ladder raised it."""
    if not request.priority_floor:
        return
    values = ordered_priorities(vocabulary)
    decided, floor = result.outputs.get(PRIORITY), request.priority_floor
    if floor in values and decided in values and values.index(str(decided)) < values.index(floor):
        result.set_output(PRIORITY, floor)
        record.set(PRIORITY, floor)


def keep_reassignment(vocabulary: Vocabulary, request: RequestState, result: StageResult, record: Record) -> None:
    """Keeps the department and role to which a ladder gave the request. Values set by hand still win."""
    for name, value in request.reassigned.items():
        if name in vocabulary:
            result.set_output(name, value)
            record.set(name, value)
