"""Acknowledgements: each answers the alarms raised before it, clock by clock. Nothing else is silenced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from answerby.domain.alert import NoticeAlert
from answerby.domain.clock import ClockState, Timer, TimerPurpose, definition_id
from answerby.domain.clock_definition import ClockDefinition, events_of
from answerby.domain.decision import Flag
from answerby.domain.event import Event, EventType
from answerby.domain.ladder import Ladder
from answerby.domain.request import Answer, RequestState
from answerby.engine.facts.nearest_name import LONGEST_NAME, no_such
from answerby.sla.clocks import LIVE, definition_of

CLOCK = "acknowledged.clock"
"""Fact of an acknowledgement: the clock, or the definition, whose alarms it answers. Default: those of all clocks."""
NOTHING: Final = "ACKNOWLEDGED_NOTHING"
_NEW = (EventType.ACKNOWLEDGED, EventType.REOPENED)


def with_answers(state: RequestState | None) -> RequestState | None:
    """The request, where an older version stored one acknowledgement for all clocks: it answers what fired before."""
    if state is None or state.acknowledged is None or state.answers is not None:
        return state
    at = state.acknowledged
    alarms = [timer for timer in state.timers.values() if _of_live_clock(state, timer) and timer.due <= at]
    return _answered(state, alarms, Answer(cycle=0, time=at, by=state.acknowledged_by))


def acknowledge(
    definitions: Mapping[str, ClockDefinition], ladders: Mapping[str, Ladder], request: RequestState, event: Event
) -> tuple[RequestState, list[Flag]]:
    """The request after the event: its alarms answered by an acknowledgement, or open again after a reopening."""
    if event.type not in _NEW:
        return request, []
    if event.type == EventType.REOPENED:
        return reopened(request), []
    named = event.data.get(CLOCK)
    alarms = [
        timer
        for timer in request.timers.values()
        if _of_live_clock(request, timer)
        and timer.due <= event.time
        and named in (None, timer.clock, definition_id(timer.clock))
        and _was_told(request, ladders, timer)
    ]
    new = [timer for timer in alarms if not timer.answered]
    if not new:
        request = replace(request, answers=request.answers or {})
        heard = bool(alarms) or (named is None and _means_something(definitions, request))
        return request, [] if heard else [_nothing(named, definitions)]
    request = replace(request, acknowledged=event.time, acknowledged_by=event.actor_id)
    return _answered(request, new, Answer(cycle=0, time=event.time, by=event.actor_id)), []


def lapsed(request: RequestState, clock: str) -> RequestState:
    """The request after the acknowledgement of this clock has lapsed."""
    answers = {name: answer for name, answer in (request.answers or {}).items() if name != clock}
    return replace(request, answers=answers, acknowledged=request.acknowledged if answers else None)


def _answered(request: RequestState, alarms: list[Timer], answer: Answer) -> RequestState:
    answers = dict(request.answers or {})
    for name in sorted({timer.clock for timer in alarms}):
        clock = request.clocks[name]
        answers[name] = replace(answer, cycle=clock.cycle, due=clock.due)
    timers = {**request.timers, **{timer.id: replace(timer, answered=True) for timer in alarms}}
    return replace(request, timers=timers, answers=answers)


def reopened(request: RequestState) -> RequestState:
    """The request with its alarms open again: whoever acknowledged them did so before it was finished."""
    if not request.answers:
        return request
    timers = {name: replace(t, answered=False) if t.answered else t for name, t in request.timers.items()}
    return replace(request, timers=timers, answers={})


def _of_live_clock(request: RequestState, timer: Timer) -> bool:
    """Whether the timer is of a step that fired, in the cycle of a clock that runs or is paused."""
    clock: ClockState | None = request.clocks.get(timer.clock)
    if not timer.fired or timer.purpose is not TimerPurpose.STEP or clock is None:
        return False
    return clock.cycle == timer.cycle and clock.phase in LIVE


def _was_told(request: RequestState, ladders: Mapping[str, Ladder], timer: Timer) -> bool:
    """Whether somebody has heard of the step. A reminder that waits for the end of quiet hours is no alarm yet."""
    ladder = ladders.get(request.clocks[timer.clock].ladder)
    if ladder is None or timer.step >= len(ladder.steps):
        return True
    return any(message.urgent or timer.deferred_to is None for message in ladder.steps[timer.step].notify)


def _means_something(definitions: Mapping[str, ClockDefinition], request: RequestState) -> bool:
    """Whether an acknowledgement without an alarm of a ladder is meant: for a rule's notice, or it meets a clock."""
    if any(isinstance(alert, NoticeAlert) for alert in request.alerts):
        return True
    live = (definition_of(definitions, name) for name, clock in request.clocks.items() if clock.phase in LIVE)
    return any(_stops(definition) for definition in live if definition is not None)


def _stops(definition: ClockDefinition) -> bool:
    return any(EventType.ACKNOWLEDGED in events_of(occasion) for occasion in definition.stop)


def _nothing(named: object, definitions: Mapping[str, ClockDefinition]) -> Flag:
    name = str(named)[:LONGEST_NAME]
    if named is not None and definition_of(definitions, name) is None:
        return Flag(NOTHING, f"{CLOCK}: {no_such(f'clock {name}', name, definitions)}; nothing was answered")
    of = f" of clock {name}" if named is not None else ""
    return Flag(NOTHING, f"no alarm{of} had been raised; whatever is raised from now on is told")
