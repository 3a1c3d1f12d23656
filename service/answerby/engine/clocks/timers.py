"""Targets and timers of a decision: what the sla and escalation stages said, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from answerby.domain.clock import ClockState, Timer
from answerby.domain.event import Event, EventType
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.clocks.missed_reminders import told_by
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.ladders import HOLDS_BACK, StepTimers, catch_up_timer, plan_timers, quiet_timer

if TYPE_CHECKING:
    from answerby.engine.clocks.ladder_steps import Firing


class TimerPlan:
    """What to do about the timers of a request, and all that it has `after` that."""

    def __init__(self, arm: list[Timer], cancel: list[str], after: dict[str, Timer]) -> None:
        self.arm = arm
        self.cancel = cancel
        self.after = after


def plan(
    rulebook: Rulebook,
    ladders: Mapping[str, Ladder],
    request: RequestState,
    clocks: Mapping[str, ClockState],
    event: Event,
    firing: Firing | None,
    moment: datetime,
    known: StepTimers | None = None,
) -> TimerPlan:
    """The timers to arm and cancel. A step that fired stays on record and is never armed again.

    `known` is what was planned for the request before under the same rulebook.
    """
    if event.historical:
        return TimerPlan([], [], dict(request.timers))
    before = dict(request.timers)
    due = str(event.data.get("timer.id", ""))
    deferred = None
    if event.type == EventType.TIMER_DUE and due in before:
        waits = firing.held_until if firing is not None and firing.reminders_wait else None
        before[due] = msgspec.structs.replace(before[due], fired=True, deferred_to=waits)
        if firing is not None and waits is not None:
            deferred = (catch_up_timer if firing.catch_up_at else quiet_timer)(firing.clock, waits)
        if firing is not None and firing.timer.purpose in HOLDS_BACK:
            # Told now: another timer of the same moment must not find it again.
            told = told_by(before, firing.timer)
            before.update((timer.id, msgspec.structs.replace(timer, deferred_to=None)) for timer in told)
    arm, cancel, after = plan_timers(
        ladders,
        rulebook.calendars,
        before,
        clocks,
        moment,
        acknowledged=request.acknowledged,
        deferred=deferred,
        known=known,
    )
    return TimerPlan(arm, cancel, after)
