"""Ladders: the timers at which a running clock is escalated. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from service.domain.clock import ClockPhase, ClockState, Timer
from service.domain.errors import CalendarYearMissing
from service.sla.business_time import add_working_days, add_working_time
from service.sla.calendar import Calendar
from service.sla.clocks import calendar_of
from service.sla.targets import share_time

if TYPE_CHECKING:
    from service.domain.ladder import Ladder, Step


_BY_DUE_AND_STEP = attrgetter("due", "step")
_BY_DUE_AND_ID = attrgetter("due", "id")


def arm(ladders: Mapping[str, Ladder], calendars: Mapping[str, Calendar], clock: ClockState) -> list[Timer]:
    """The timers of a running clock, one per step, in order of time; none for a clock that does not run.

    Offsets count from the due time in wall seconds or, as the ladder or the unit says, in the target's working time;
    percentages are of the target's working time. A warning that would lie before the clock's start is left out. Times
    may lie in the past: such a step fires at once.
    """
    ladder = ladders.get(clock.ladder)
    if ladder is None or clock.phase is not ClockPhase.RUNNING or clock.due is None:
        return []
    timers = []
    calendar = calendar_of(calendars, clock.target)
    for number, step in enumerate(ladder.steps):
        due = _step_time(ladder, step, calendar, clock, clock.due)
        if due >= clock.started:
            timers.append(_timer(clock, number, 0, due))
    timers.sort(key=_BY_DUE_AND_STEP)
    return timers


def plan_timers(
    ladders: Mapping[str, Ladder],
    calendars: Mapping[str, Calendar],
    before: Mapping[str, Timer],
    clocks: Mapping[str, ClockState],
    now: datetime,
    *,
    acknowledged: bool | None = None,
) -> tuple[list[Timer], list[str], dict[str, Timer]]:
    """What to arm (new or moved), the ids to cancel, and all timers after it.

    `before` are the request's timers; those marked `fired` are kept while their clock's cycle lasts and never armed
    again. Waiting repeats are kept while their clock runs and is past their step. With `acknowledged` False a repeat
    that a pause cancelled is armed again after it, with True waiting repeats are cancelled; None leaves both to the
    caller.
    """
    after: dict[str, Timer] = {}
    earlier = _by_cycle(before)
    for name in sorted(clocks):
        clock = clocks[name]
        mine = earlier.get((name, clock.cycle), [])
        for timer in mine:
            if timer.fired:
                after[timer.id] = timer
        if clock.phase is not ClockPhase.RUNNING or clock.ladder not in ladders:
            continue
        steps = arm(ladders, calendars, clock)
        for timer in steps:
            after.setdefault(timer.id, timer)
        if mine:
            reached = {timer.step for timer in steps if timer.due <= now}
            mine = [timer for timer in mine if timer.step in reached]
            repeats = _repeats(ladders[clock.ladder], clock, mine, now, acknowledged)
            after.update((timer.id, timer) for timer in repeats)
    to_arm = [timer for timer in after.values() if not timer.fired and before.get(timer.id) != timer]
    to_arm.sort(key=_BY_DUE_AND_ID)
    to_cancel = [name for name, timer in before.items() if name not in after and not timer.fired]
    return to_arm, sorted(to_cancel), after


def next_repeat(ladder: Ladder, clock: ClockState, timer: Timer, now: datetime, acknowledged: bool) -> Timer | None:
    """The timer after `timer` has fired: its step once more, until acknowledged, at most `repeat_at_most` times.

    Repeats keep to the grid of the first firing; those missed while down are passed over, so that one fires. None when
    there is nothing to repeat or the clock no longer runs in the timer's cycle.
    """
    if acknowledged or clock.phase is not ClockPhase.RUNNING or clock.cycle != timer.cycle:
        return None
    if timer.step >= len(ladder.steps):
        return None
    step = ladder.steps[timer.step]
    if step.repeat_every_seconds <= 0 or timer.repeat >= step.repeat_at_most:
        return None
    every = timedelta(seconds=step.repeat_every_seconds)
    passed = max(0, (now - timer.due) // every)
    return _timer(clock, timer.step, timer.repeat + 1, timer.due + (passed + 1) * every)


def _by_cycle(timers: Mapping[str, Timer]) -> dict[tuple[str, int], list[Timer]]:
    """The timers of each cycle of each clock, in their order."""
    groups: dict[tuple[str, int], list[Timer]] = {}
    for timer in timers.values():
        groups.setdefault((timer.clock, timer.cycle), []).append(timer)
    return groups


def _repeats(
    ladder: Ladder, clock: ClockState, mine: Iterable[Timer], now: datetime, acknowledged: bool | None
) -> list[Timer]:
    """The repeats that wait: those armed before and, once it is known that nobody acknowledged, the next ones due."""
    if acknowledged:
        return []
    waiting = [timer for timer in mine if timer.repeat > 0 and not timer.fired]
    if acknowledged is None:
        return waiting
    latest: dict[int, Timer] = {}
    for timer in mine:
        if timer.fired and (timer.step not in latest or timer.repeat > latest[timer.step].repeat):
            latest[timer.step] = timer
    for step in {timer.step for timer in waiting}:
        latest.pop(step, None)
    again = (next_repeat(ladder, clock, timer, now, acknowledged=False) for timer in latest.values())
    return [*waiting, *(timer for timer in again if timer is not None)]


def _step_time(ladder: Ladder, step: Step, calendar: Calendar, clock: ClockState, due: datetime) -> datetime:
    if step.offset_seconds is not None and (ladder.offsets == "wall_time" or not step.offset_seconds):
        return due + timedelta(seconds=step.offset_seconds) if step.offset_seconds else due
    if step.percent == 100:
        return due
    try:
        return _working_step_time(step, calendar, clock, due)
    except CalendarYearMissing:
        # The due time has been refused or flagged for the same year; a warning too early beats none.
        return _working_step_time(step, calendar.open_ended(), clock, due)


def _working_step_time(step: Step, calendar: Calendar, clock: ClockState, due: datetime) -> datetime:
    if step.offset_seconds is not None:
        return add_working_time(calendar, due, step.offset_seconds)
    if step.offset_days is not None:
        return add_working_days(calendar, due, step.offset_days)
    assert step.percent is not None
    unpaused_due = None if clock.pauses or clock.manual else due
    return share_time(clock.target, calendar, clock.started, step.percent, clock.pauses, unpaused_due=unpaused_due)


def _timer(clock: ClockState, step: int, repeat: int, due: datetime) -> Timer:
    name, cycle = clock.name, clock.cycle
    return Timer(id=f"{name}/{cycle}/{step}/{repeat}", due=due, clock=name, cycle=cycle, step=step, repeat=repeat)
