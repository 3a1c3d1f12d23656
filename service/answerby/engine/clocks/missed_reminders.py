"""Reminders missed in an outage: one notice for each role instead of many.

Only reminders wait. All else that a step does, such as raising the priority, is done when the step fires, in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose
from answerby.domain.event import Event, Value
from answerby.domain.ladder import Ladder, Notification
from answerby.domain.request import RequestState

CATCH_UP_LIMIT = "timer.catch_up"
"""Fact of a timer event that comes late: how many reminders of a request may be sent one by one."""


class HeldReminder(NamedTuple):
    """A reminder that waits for the notice."""

    timer: Timer
    clock: ClockState
    ladder: Ladder
    notification: Notification


def catch_up_at(
    ladders: Mapping[str, Ladder],
    request: RequestState,
    event: Event,
    timer: Timer,
    soonest: datetime,
    moment: datetime,
) -> datetime | None:
    """When the notice with this timer's reminder is sent; None when the reminder is sent by itself.

    `soonest` is the earliest moment for a notice, such as the end of quiet hours.
    """
    catch_up = TimerPurpose.CATCH_UP
    for other in request.timers.values():
        if other.purpose is catch_up and not other.fired and timer.due <= other.due:
            return other.due
    limit = event.data.get(CATCH_UP_LIMIT)
    if not isinstance(limit, int):
        return None
    missed = sum(reminds(ladders, request, other) for other in request.timers.values() if other.due <= moment)
    return soonest if missed > limit else None


def reminds(ladders: Mapping[str, Ladder], request: RequestState, timer: Timer) -> bool:
    """Whether the timer is armed and has a reminder that is not urgent."""
    clock = request.clocks.get(timer.clock)
    if timer.fired or timer.purpose is not TimerPurpose.STEP or clock is None or clock.cycle != timer.cycle:
        return False
    ladder = ladders.get(clock.ladder)
    if clock.phase is not ClockPhase.RUNNING or ladder is None or timer.step >= len(ladder.steps):
        return False
    return any(not notification.urgent for notification in ladder.steps[timer.step].notify)


def held_timers(timers: Mapping[str, Timer], firing: Timer) -> list[Timer]:
    """The fired timers whose reminders wait for this one, in order. A catch-up takes those of every clock."""
    found = (
        timer
        for timer in timers.values()
        if timer.fired
        and timer.deferred_to == firing.due
        and (firing.purpose is TimerPurpose.CATCH_UP or (timer.clock, timer.cycle) == (firing.clock, firing.cycle))
    )
    return sorted(found, key=lambda timer: (timer.due, timer.id))


def held_reminders(before: RequestState, after: RequestState, firing: Timer) -> Iterator[HeldReminder]:
    """The reminders in the notice, in order: those of clocks that still run."""
    for timer in held_timers(before.timers, firing):
        clock = after.clocks.get(timer.clock)
        if clock is None or clock.phase is not ClockPhase.RUNNING or clock.cycle != timer.cycle:
            continue
        ladder = after.ladders.get(clock.ladder)
        if ladder is not None and timer.step < len(ladder.steps):
            for notification in ladder.steps[timer.step].notify:
                if not notification.urgent:
                    yield HeldReminder(timer, clock, ladder, notification)


def digest_of(reminders: list[HeldReminder]) -> dict[str, Value]:
    """The payload of a notice for these reminders, without their times."""
    return {
        "held_back": len(reminders),
        "digest": [item.notification.template for item in reminders],
        "held_back_clocks": [item.clock.name for item in reminders],
    }


def waits_for_catch_up(state: RequestState, timer_id: str) -> bool:
    """Whether the reminders of a fired timer wait for a notice."""
    timer = state.timers.get(timer_id)
    if timer is None or timer.deferred_to is None:
        return False
    return any(t.purpose is TimerPurpose.CATCH_UP and t.due == timer.deferred_to for t in state.timers.values())
