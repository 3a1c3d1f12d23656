"""The timers of running clocks: the steps of their ladders, and their due times. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose, counted_from
from answerby.domain.errors import CalendarYearMissing, TargetOutOfReach
from answerby.domain.ladder import Ladder, Step
from answerby.domain.request import Answer
from answerby.sla.business_time import (
    add_working_micros,
    add_working_time,
    working_days_from,
    working_micros_between,
)
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.clocks import calendar_of
from answerby.sla.targets import share_time

# Looked up once: see answerby.sla.unchanged.
_RUNNING: Final = ClockPhase.RUNNING
_STEP: Final = TimerPurpose.STEP
_DUE: Final = TimerPurpose.DUE
_BY_DUE_AND_STEP = attrgetter("due", "step")
_BY_DUE_AND_ID = attrgetter("due", "id")
HOLDS_BACK = frozenset({TimerPurpose.QUIET_ENDS, TimerPurpose.CATCH_UP})
"""Purposes of the timers for which reminders wait."""


def arm(ladders: Mapping[str, Ladder], calendars: Mapping[str, Calendar], clock: ClockState) -> list[Timer]:
    """The timers of a running clock, one per step, in order of time; none for a clock that does not run.

    Offsets count from the due time, in wall seconds or, as the ladder or the unit says, in the target's working time.
    Percentages are of the target's working time. A warning that would lie before the clock's start is left out. A time
    may lie in the past: the step then fires at once. In a later round, the steps keep their distances from the first
    step of the round, in working time where their offsets count in it.
    """
    ladder = ladders.get(clock.ladder)
    if ladder is None or clock.phase is not ClockPhase.RUNNING or clock.due is None:
        return []
    calendar, due, started = calendar_of(calendars, clock.target), clock.due, clock.started
    wall_time = ladder.offsets == "wall_time"
    timers = []
    for number, step in enumerate(ladder.steps):
        seconds = step.offset_seconds
        if seconds == 0 or step.percent == 100 or step.offset_days == 0:
            at = due
        elif seconds is not None and wall_time:
            at = due + timedelta(0, seconds)
        else:
            at = _step_time(step, calendar, clock, due)
        if at >= started:
            timers.append(_timer(clock, number, 0, at))
    if clock.round_started is not None:
        timers = _of_the_round(ladder, calendar, clock, timers, clock.round_started)
    timers.sort(key=_BY_DUE_AND_STEP)
    return timers


class StepTimers:
    """Computes the step timers of running clocks. `engine.memory` has a subclass that remembers them."""

    def of(
        self, ladders: Mapping[str, Ladder], calendars: Mapping[str, Calendar], clock: ClockState, ladder: Ladder
    ) -> list[Timer]:
        """The timers of `arm` for the clock; `ladder` is the clock's own."""
        del ladder  # the subclass that remembers compares it
        return arm(ladders, calendars, clock)


STEP_TIMERS: Final = StepTimers()


class TimerPlanning:
    """Inputs of a plan of timers, besides the request's clocks."""

    def __init__(
        self,
        ladders: Mapping[str, Ladder],
        calendars: Mapping[str, Calendar],
        now: datetime,
        answers: Mapping[str, Answer] | None = None,
        deferred: Timer | None = None,
        step_timers: StepTimers = STEP_TIMERS,
    ) -> None:
        self.ladders = ladders
        self.calendars = calendars
        self.now = now
        self.answers = answers or {}
        """The acknowledgements, by clock: with `stop_chain` they end the steps that are left."""
        self.deferred = deferred
        """The timer that sends the reminders held back now."""
        self.step_timers = step_timers


def plan_timers(
    planning: TimerPlanning, before: Mapping[str, Timer], clocks: Mapping[str, ClockState]
) -> tuple[list[Timer], list[str], dict[str, Timer]]:
    """The timers to arm (new or moved), the ids to cancel, and all timers after that.

    `before` are the request's timers, by id.
    """
    after: dict[str, Timer] = {}
    by_cycle = _by_cycle(before) if before else {}
    for name in sorted(clocks):
        clock = clocks[name]
        _add_timers(after, planning, clock, by_cycle.get((name, clock.cycle), ()))
    return *_difference(before, after), after


def _add_timers(after: dict[str, Timer], planning: TimerPlanning, clock: ClockState, known: Sequence[Timer]) -> None:
    """Adds the timers of one clock: those that fired, those of its ladder, and that of its due time.

    `known` are the timers of the clock's cycle so far. A step that fired is kept for the whole cycle. It is armed again
    only for a later due time.
    """
    for timer in known:
        if timer.fired:
            if timer.purpose is not _DUE:
                after[timer.id] = timer
        elif timer.spent:
            after[timer.id] = timer.as_fired()
    ladder = planning.ladders.get(clock.ladder)
    steps: Sequence[Timer] = ()
    if ladder is not None and clock.phase is _RUNNING:
        steps = _add_ladder_timers(after, planning, clock, ladder, known)
    due = clock.due
    if due is None or clock.breached or clock.phase is not _RUNNING:
        return
    for step in steps:
        if step.due == due and not after[step.id].fired:
            # The event of this step makes the clock late.
            return
    timer = _due_timer(clock, due, known)
    after[timer.id] = timer


def _due_timer(clock: ClockState, due: datetime, known: Sequence[Timer]) -> Timer:
    """The timer of a clock's due time: the known one, where the due time has not moved."""
    for timer in known:
        if timer.purpose is _DUE and timer.due == due and not timer.fired:
            return timer
    name = f"{clock.name}/{clock.cycle}/due"
    return Timer(id=name, due=due, clock=clock.name, cycle=clock.cycle, step=-1, purpose=_DUE)


def _add_ladder_timers(
    after: dict[str, Timer], planning: TimerPlanning, clock: ClockState, ladder: Ladder, known: Sequence[Timer]
) -> Sequence[Timer]:
    """Adds the timers of a running clock's ladder: held back, lapse, steps, round, repeats. Returns the steps."""
    answer = planning.answers.get(clock.name)
    if answer is not None and not answer.counts_for(clock):
        answer = None
    chain_ended = answer is not None and ladder.on_acknowledgement == "stop_chain"
    if not chain_ended:
        for timer in _held_back(known, clock, planning.deferred):
            after.setdefault(timer.id, timer)
    if answer is not None:
        for timer in _lapse(ladder, clock, known, answer.time):
            after.setdefault(timer.id, timer)
    if chain_ended:
        return ()
    steps = planning.step_timers.of(planning.ladders, planning.calendars, clock, ladder)
    for timer in steps:
        if timer.id in after:
            _arm_again(after, clock, timer, known, planning.now)
        else:
            after[timer.id] = timer
    if steps and ladder.rounds is not None and _waits_for_an_answer(ladder, steps, after):
        for timer in _next_round(ladder, clock, steps):
            if timer.id in after:
                _arm_again(after, clock, timer, known, planning.now)
            else:
                after[timer.id] = timer
    if known:
        for timer in _repeats(ladder, clock, known, steps, after, planning.now):
            after[timer.id] = timer
    return steps


def _arm_again(after: dict[str, Timer], clock: ClockState, timer: Timer, known: Sequence[Timer], now: datetime) -> None:
    """Arms a step that fired, unless it fired for this time or for a later one.

    Only for a time to come, in a round that began since, or where it was armed again before and did not fire.
    """
    fired = after[timer.id]
    if timer.due > fired.due and (
        timer.due > now
        or (timer.round > 0 and clock.round_started is not None and fired.due < clock.round_started)
        or any(t.id == timer.id and not t.fired for t in known)
    ):
        after[timer.id] = _armed_again(timer, fired)


def _armed_again(timer: Timer, fired: Timer) -> Timer:
    return replace(timer, spent=fired.firings, deferred_to=fired.deferred_to, answered=fired.answered)


def _waits_for_an_answer(ladder: Ladder, steps: Sequence[Timer], after: Mapping[str, Timer]) -> bool:
    """Whether an alarm of these steps is still to come or not acknowledged; so it is where no step raises any."""
    alarms = [after[timer.id] for timer in steps if ladder.steps[timer.step].notify]
    return not alarms or any(not (timer.fired and timer.answered) for timer in alarms)


def _difference(before: Mapping[str, Timer], after: Mapping[str, Timer]) -> tuple[list[Timer], list[str]]:
    """The timers to arm, in order of time, and the ids of those to cancel."""
    to_arm = []
    for name, timer in after.items():
        planned = before.get(name)
        # Identity first: most timers are the very objects of before.
        if planned is not timer and not timer.fired and planned != timer:
            to_arm.append(timer)
    if len(to_arm) > 1:
        to_arm.sort(key=_BY_DUE_AND_ID)
    gone = [name for name, timer in before.items() if not timer.fired and (name not in after or after[name].fired)]
    return to_arm, sorted(gone)


def next_repeat(ladder: Ladder, clock: ClockState, timer: Timer, now: datetime, acknowledged: bool) -> Timer | None:
    """The repeat that follows the firing of `timer`: until acknowledged, at most `repeat_at_most` times.

    Repeats keep to the grid of the first firing. Repeats missed in an outage are skipped, so that one fires. None when
    nothing repeats, or the clock no longer runs in the timer's cycle and round.
    """
    if acknowledged or clock.phase is not _RUNNING:
        return None
    if clock.cycle != timer.cycle or clock.round != timer.round or timer.step >= len(ladder.steps):
        return None
    step = ladder.steps[timer.step]
    if step.repeat_every_seconds <= 0 or timer.repeat >= step.repeat_at_most:
        return None
    every = timedelta(seconds=step.repeat_every_seconds)
    passed = max(0, (now - timer.due) // every)
    return _timer(clock, timer.step, timer.repeat + 1, timer.due + (passed + 1) * every)


def due_is_planned(timers: Mapping[str, Timer], clock: ClockState, now: datetime) -> bool:
    """Whether a timer makes the clock late at its due time, or `now` does, or nothing has to."""
    due = clock.due
    if due is None or clock.breached or due <= now or clock.phase is not _RUNNING:
        return True
    return any(
        timer.due == due
        and not timer.fired
        and (timer.clock, timer.cycle) == (clock.name, clock.cycle)
        and (timer.purpose is _DUE or (timer.purpose is _STEP and not timer.repeat))
        for timer in timers.values()
    )


def quiet_timer(clock: ClockState, opening: datetime) -> Timer:
    """The timer that sends the reminders of a clock that quiet hours held back. One for each opening."""
    name = f"{clock.name}/{clock.cycle}/quiet/{int(opening.timestamp())}"
    return _special_timer(clock, name, opening, TimerPurpose.QUIET_ENDS)


def catch_up_timer(clock: ClockState, moment: datetime) -> Timer:
    """The timer that sends in one notice the reminders that an outage left, of this clock and the request's others."""
    name = f"{clock.name}/{clock.cycle}/catch_up/{moment:%Y%m%dT%H%M%S.%f}"
    return _special_timer(clock, name, moment, TimerPurpose.CATCH_UP)


def _by_cycle(timers: Mapping[str, Timer]) -> dict[tuple[str, int], list[Timer]]:
    """The timers of each cycle of each clock, in their order."""
    groups: dict[tuple[str, int], list[Timer]] = {}
    for timer in timers.values():
        groups.setdefault((timer.clock, timer.cycle), []).append(timer)
    return groups


def _of_the_round(
    ladder: Ladder, calendar: Calendar, clock: ClockState, timers: list[Timer], started: datetime
) -> list[Timer]:
    """The steps of a round, from its first step on. Their distances count from the start of the round."""
    of_round = [timer for timer in timers if timer.step >= clock.round_from]
    first = min((timer.due for timer in of_round), default=started)
    moved = []
    for timer in of_round:
        if _counts_in_working_time(ladder, ladder.steps[timer.step]):
            at = _as_much_work_later(calendar, started, first, timer.due)
        else:
            at = started + (timer.due - first)
        moved.append(_timer(clock, timer.step, 0, at))
    return moved


def _counts_in_working_time(ladder: Ladder, step: Step) -> bool:
    at_due = step.offset_seconds == 0 or step.percent == 100
    return ladder.offsets != "wall_time" or not (at_due or step.offset_seconds is not None)


def _as_much_work_later(calendar: Calendar, started: datetime, first: datetime, due: datetime) -> datetime:
    """As much working time after `started` as `due` lies after `first`."""
    try:
        return add_working_micros(calendar, started, working_micros_between(calendar, first, due))
    except CalendarYearMissing:
        return _as_much_work_later(calendar.open_ended(), started, first, due)
    except TargetOutOfReach:
        return started + (due - first)


def _held_back(known: Iterable[Timer], clock: ClockState, deferred: Timer | None) -> list[Timer]:
    """The timers for which reminders of the clock wait. One that a pause cancelled is armed again after the pause."""
    waiting = [timer for timer in known if timer.purpose in HOLDS_BACK and not timer.fired]
    if deferred is not None and deferred.clock == clock.name:
        waiting.append(deferred)
    for timer in known:
        opening = timer.deferred_to
        if opening is not None and timer.fired and all(holder.due != opening for holder in waiting):
            waiting.append(quiet_timer(clock, opening))
    return waiting


def _lapse(ladder: Ladder, clock: ClockState, known: Sequence[Timer], acknowledged: datetime) -> list[Timer]:
    """The timer at which the acknowledgement lapses; none without a limit or after it fired."""
    if not ladder.acknowledgement_lasts:
        return []
    due = acknowledged + timedelta(seconds=ladder.acknowledgement_lasts)
    name = f"{clock.name}/{clock.cycle}/lapse/{int(acknowledged.timestamp())}"
    return [_special_timer(clock, name, due, TimerPurpose.LAPSE)] if all(t.id != name for t in known if t.fired) else []


def _next_round(ladder: Ladder, clock: ClockState, steps: list[Timer]) -> list[Timer]:
    rounds = ladder.rounds
    if rounds is None or clock.round >= rounds.at_most:
        return []
    due = steps[-1].due + timedelta(seconds=rounds.every_seconds)
    name = f"{clock.name}/{clock.cycle}/round/{clock.round + 1}"
    return [_special_timer(clock, name, due, TimerPurpose.ROUND)]


def _repeats(
    ladder: Ladder,
    clock: ClockState,
    known: Iterable[Timer],
    steps: Iterable[Timer],
    after: Mapping[str, Timer],
    now: datetime,
) -> list[Timer]:
    """The repeats that wait, and the next repeats, of steps that fired and whose time has come.

    Repeats that wait are kept while the clock runs. A repeat that a pause cancelled is armed again after the pause.
    An acknowledgement ends the repeats of the steps that fired before it. Repeats count anew where their step fired
    anew.
    """
    begun = [t for t in known if (t.fired or t.repeat or t.spent) and t.purpose is _STEP]
    if not begun:
        return []
    records = [t if t.fired or t.repeat else after[t.id] for t in begun]
    of_round = [t for t in records if (t.fired or t.repeat) and t.round == clock.round]
    if not of_round or not (ladder.repeats or any(timer.repeat for timer in of_round)):
        return []
    fired = {timer.step: after[timer.id].due for timer in steps if timer.due <= now and after[timer.id].fired}
    of_round = [t for t in of_round if t.step in fired and (not t.repeat or t.due > fired[t.step])]
    answered = {timer.step for timer in of_round if timer.fired and timer.answered}
    of_round = [timer for timer in of_round if timer.step not in answered]
    waiting = [timer for timer in of_round if timer.repeat > 0 and not timer.fired]
    latest: dict[int, Timer] = {}
    for timer in of_round:
        if timer.fired and (timer.step not in latest or timer.repeat > latest[timer.step].repeat):
            latest[timer.step] = timer
    # A repeat that waits is already the next one of its step.
    for step in {timer.step for timer in waiting}:
        latest.pop(step, None)
    again = (next_repeat(ladder, clock, timer, now, acknowledged=False) for timer in latest.values())
    return [
        *waiting,
        *(_armed_again(t, after[t.id]) if t.id in after else t for t in again if t is not None),
    ]


def _step_time(step: Step, calendar: Calendar, clock: ClockState, due: datetime) -> datetime:
    """When a step is due whose offset counts in working time."""
    try:
        return _working_step_time(step, calendar, clock, due)
    except CalendarYearMissing:
        # The due time was already refused or flagged for the same year. A warning too early beats none.
        return _step_time(step, calendar.open_ended(), clock, due)
    except TargetOutOfReach:
        # A calendar that opens no more: around the clock, a reminder too early beats none.
        return _working_step_time(step, ALWAYS, clock, due)


def _working_step_time(step: Step, calendar: Calendar, clock: ClockState, due: datetime) -> datetime:
    if step.offset_seconds is not None:
        return add_working_time(calendar, due, step.offset_seconds)
    if step.offset_days is not None:
        return working_days_from(calendar, due, step.offset_days)
    assert step.percent is not None
    started, pauses = counted_from(clock.started, clock.counts_from, clock.pauses)
    unpaused_due = None if clock.pauses or clock.manual else due
    return share_time(clock.target, calendar, started, step.percent, pauses, unpaused_due=unpaused_due)


def _timer(clock: ClockState, step: int, repeat: int, due: datetime) -> Timer:
    name, cycle = clock.name, clock.cycle
    timer_id = f"{name}/{cycle}/{step}/{repeat}"
    if not clock.round:
        return Timer(id=timer_id, due=due, clock=name, cycle=cycle, step=step, repeat=repeat)
    timer_id = f"{timer_id}/{clock.round}"
    return Timer(id=timer_id, due=due, clock=name, cycle=cycle, step=step, repeat=repeat, round=clock.round)


def _special_timer(clock: ClockState, name: str, due: datetime, purpose: TimerPurpose) -> Timer:
    return Timer(id=name, due=due, clock=clock.name, cycle=clock.cycle, step=-1, round=clock.round, purpose=purpose)
