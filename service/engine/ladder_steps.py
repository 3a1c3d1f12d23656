"""What a due timer does: which ladder step fires, and how it raises the priority."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from service.domain.clock import ClockPhase, ClockState, Timer
from service.domain.event import Event, EventType
from service.domain.ladder import Step
from service.domain.request import RequestState
from service.engine.facts import Record
from service.engine.stages import StageResult
from service.rules.model import Rulebook
from service.rules.vocabulary import FieldType, Vocabulary

PRIORITY = "priority"


class Firing(NamedTuple):
    """A ladder step that fires now, `late_by` seconds after it was due."""

    timer: Timer
    clock: ClockState
    step: Step
    late_by: int


def firing(rulebook: Rulebook, request: RequestState, event: Event) -> Firing | None:
    """The step that a timer event fires; None when its clock stopped, was re-targeted or acknowledged since."""
    if event.type != EventType.TIMER_DUE:
        return None
    timer = request.timers.get(str(event.data.get("timer.id", "")))
    if timer is None or timer.fired:
        return None
    clock = request.clocks.get(timer.clock)
    if clock is None or clock.phase is not ClockPhase.RUNNING or clock.cycle != timer.cycle:
        return None
    ladder = rulebook.ladders.get(clock.ladder)
    if ladder is None or timer.step >= len(ladder.steps):
        return None
    step = ladder.steps[timer.step]
    if request.acknowledged is not None and waits_for_acknowledgement(step):
        return None
    late_by = event.data.get("timer.late_by", 0)
    return Firing(timer, clock, step, int(late_by) if isinstance(late_by, (int, float)) else 0)


def waits_for_acknowledgement(step: Step) -> bool:
    return any(notification.until_acknowledged for notification in step.notify)


def is_stale(firing: Firing | None, event: Event) -> bool:
    return event.type == EventType.TIMER_DUE and firing is None


def raise_priority(rulebook: Rulebook, request: RequestState, firing: Firing | None) -> RequestState:
    """One value up, once per step however often it repeats; the floor keeps it when the rules decide again."""
    if firing is None or not firing.step.raise_priority or firing.timer.repeat > 0:
        return request
    values = ordered_priorities(rulebook.vocabulary)
    current = str(request.derived.get(PRIORITY, ""))
    if current not in values:
        return request
    raised = values[min(values.index(current) + 1, len(values) - 1)]
    return msgspec.structs.replace(request, priority_floor=raised)


def ordered_priorities(vocabulary: Vocabulary) -> tuple[str, ...]:
    if PRIORITY not in vocabulary or vocabulary[PRIORITY].type is not FieldType.ENUM:
        return ()
    return vocabulary[PRIORITY].values


def hold_floor(vocabulary: Vocabulary, request: RequestState, result: StageResult, record: Record) -> None:
    """Keeps the priority at the value that a ladder raised it to."""
    if not request.priority_floor:
        return
    values = ordered_priorities(vocabulary)
    decided, floor = result.outputs.get(PRIORITY), request.priority_floor
    if floor in values and decided in values and values.index(str(decided)) < values.index(floor):
        result.outputs[PRIORITY] = floor
        result.explanation.outputs[PRIORITY] = floor
        record.set(PRIORITY, floor)
