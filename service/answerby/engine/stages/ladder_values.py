"""Values that ladders gave: a raised priority, another department or role. They stay when rules decide again.

Values set by hand come after them, and win.
"""

from __future__ import annotations

from answerby.domain.request import RequestState
from answerby.engine.facts.record import Record
from answerby.engine.stages.sources import by_ladder
from answerby.engine.stages.stage import StageResult
from answerby.rules.model.vocabulary import FieldType, Vocabulary

PRIORITY = "priority"


def ordered_priorities(vocabulary: Vocabulary) -> tuple[str, ...]:
    if PRIORITY not in vocabulary or vocabulary[PRIORITY].type is not FieldType.ENUM:
        return ()
    return vocabulary[PRIORITY].values


def keep_priority_floor(vocabulary: Vocabulary, request: RequestState, result: StageResult, record: Record) -> None:
    """Keeps the priority at least at the value to which a ladder raised it."""
    values = ordered_priorities(vocabulary)
    decided, floor = result.outputs.get(PRIORITY), request.priority_floor
    if floor in values and decided in values and values.index(str(decided)) < values.index(floor):
        _put(PRIORITY, floor, request, result, record)


def keep_reassignment(vocabulary: Vocabulary, request: RequestState, result: StageResult, record: Record) -> None:
    """Keeps the department and role to which a ladder gave the request."""
    for name, value in request.reassigned.items():
        if name in vocabulary and result.outputs.get(name) != value:
            _put(name, value, request, result, record)


def _put(name: str, value: str, request: RequestState, result: StageResult, record: Record) -> None:
    result.replace_output(name, value, by_ladder(name, value, request.ladder_acts.get(name)))
    record.set(name, value)
