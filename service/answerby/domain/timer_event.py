"""Timer events. A timer always makes the same event with the same id, so that a second claim is a duplicate."""

from __future__ import annotations

from answerby.domain.clock import Timer
from answerby.domain.event import INTERNAL_SOURCE, ActorRole, Event, EventType

SOURCE = f"{INTERNAL_SOURCE}timers"
TIMER_ID, TIMER_CLOCK, TIMER_CYCLE = "timer.id", "timer.clock", "timer.cycle"
DELAY_SECONDS = "timer.delay_seconds"
"""Seconds from the timer's due time until it fires: the delay of the service, not how late the request is."""


def timer_event(tenant: str, request_id: str, timer: Timer, delay_seconds: int = 0) -> Event:
    """The event of the timer. `delay_seconds` are those from the due time until the timer fires."""
    return Event(
        tenant=tenant,
        source=SOURCE,
        id=timer_event_id(request_id, timer),
        type=EventType.TIMER_DUE,
        time=timer.due,
        request_id=request_id,
        actor=ActorRole.SYSTEM,
        data={
            TIMER_ID: timer.id,
            TIMER_CLOCK: timer.clock,
            TIMER_CYCLE: timer.cycle,
            "timer.step": timer.step,
            "timer.repeat": timer.repeat,
            DELAY_SECONDS: delay_seconds,
        },
    )


def timer_event_id(request_id: str, timer: Timer) -> str:
    """The id, with the due time: a step that a late event took back may fire again at another time."""
    return f"{request_id}/{timer.id}/{round(timer.due.timestamp() * 1000)}"


def timer_id(event: Event) -> str:
    """The id of the event's timer; empty for events of other types."""
    return str(event.data.get(TIMER_ID, ""))
