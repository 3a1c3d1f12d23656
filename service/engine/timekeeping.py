"""Targets and timers of a decision: what the sla and escalation stages said, and when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from service.domain.clock import ClockState, Target, Timer
from service.domain.event import Event, EventType
from service.domain.ladder import Ladder
from service.domain.request import RequestState
from service.engine.catch_up import told_by
from service.rules.model import Output, Rule, Rulebook
from service.sla.ladders import HOLDS_BACK, StepTimers, catch_up_timer, plan_timers, quiet_timer
from service.sla.scene import ClockTarget

if TYPE_CHECKING:
    from service.engine.ladder_steps import Firing

SLA_PREFIX = "sla."
LADDER_PREFIX = "ladder."


def clock_goals(
    rulebook: Rulebook, outputs: Mapping[str, Output], setters: Mapping[str, Rule]
) -> dict[str, ClockTarget]:
    """The targets among the outputs of a stage, by clock."""
    goals = {}
    for name, value in outputs.items():
        if not name.startswith(SLA_PREFIX) or not isinstance(value, Target):
            continue
        clock = name.removeprefix(SLA_PREFIX)
        definition = rulebook.clocks[clock]
        target = value if value.calendar else msgspec.structs.replace(value, calendar=definition.calendar)
        rule = setters[name].id if name in setters else "default"
        goals[clock] = ClockTarget(target, rule, definition.ladder, rulebook.revision)
    return goals


def take_ladders(goals: dict[str, ClockTarget], names: Iterable[str], outputs: Mapping[str, Output]) -> None:
    """Gives the targets the ladders that outputs of these names ask for."""
    for name in names:
        clock = name.removeprefix(LADDER_PREFIX)
        if name in outputs and clock in goals:
            goals[clock] = goals[clock]._replace(ladder=str(outputs[name]))


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
