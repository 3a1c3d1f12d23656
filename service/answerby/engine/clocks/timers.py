"""Timers of a decision: which to arm and which to cancel."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from answerby.domain.clock import ClockPhase, ClockState, Timer
from answerby.domain.event import EventType
from answerby.domain.timer_event import timer_id
from answerby.engine.case import Case
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.clocks.missed_reminders import held_timers
from answerby.sla.ladders import (
    HOLDS_BACK,
    STEP_TIMERS,
    StepTimers,
    TimerPlanning,
    catch_up_timer,
    plan_timers,
    quiet_timer,
)


class TimerPlan:
    """The timers of a request to arm and to cancel (ids), and all its timers after that (by id)."""

    def __init__(self, arm: list[Timer], cancel: list[str], after: dict[str, Timer]) -> None:
        self.arm = arm
        self.cancel = cancel
        self.after = after


def plan(
    case: Case, inputs: Inputs, clocks: Mapping[str, ClockState], step_timers: StepTimers = STEP_TIMERS
) -> TimerPlan:
    """Plans the timers after the event. A step that fired stays in the state, and fires once for each due time.

    `step_timers` gives the timers of a clock's steps.
    """
    request, event, firing = inputs.request, case.event, inputs.firing
    if event.historical:
        return TimerPlan([], [], dict(request.timers))
    before = dict(request.timers)
    due = timer_id(event)
    deferred = None
    if event.type == EventType.TIMER_DUE and due in before and before[due].due == event.time:
        waits = firing.held_until if firing is not None and firing.reminders_wait else None
        before[due] = msgspec.structs.replace(before[due], fired=True, deferred_to=waits, answered=False)
        if firing is not None and waits is not None:
            deferred = (catch_up_timer if firing.catch_up_at else quiet_timer)(firing.clock, waits)
        if firing is not None and firing.timer.purpose in HOLDS_BACK:
            # These reminders are sent now. Another timer of the same moment must not send them again.
            # Those of a paused clock go on waiting.
            for waiting in held_timers(before, firing.timer):
                clock = clocks.get(waiting.clock)
                if clock is None or clock.phase is not ClockPhase.PAUSED:
                    before[waiting.id] = msgspec.structs.replace(waiting, deferred_to=None)
    ladders, calendars = inputs.ladders, case.compiled.rulebook.calendars
    planning = TimerPlanning(ladders, calendars, case.moment, request.answers, deferred, step_timers)
    arm, cancel, after = plan_timers(planning, before, clocks)
    return TimerPlan(arm, cancel, after)
