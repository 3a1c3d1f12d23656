"""Targets and timers of a decision: what the sla and escalation stages said, and when to look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from service.domain.clock import ClockState, Target, Timer
from service.domain.event import Event, EventType
from service.domain.request import RequestState
from service.rules.model import Output, Rule, Rulebook
from service.sla.clocks import ClockTarget
from service.sla.ladders import plan_timers

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


@dataclass(frozen=True, slots=True)
class TimerPlan:
    arm: list[Timer]
    cancel: list[str]
    after: dict[str, Timer]


def plan(
    rulebook: Rulebook,
    request: RequestState,
    clocks: Mapping[str, ClockState],
    event: Event,
    moment: datetime,
) -> TimerPlan:
    """The timers to arm and cancel. A step that fired stays on record and is never armed again."""
    if event.historical:
        return TimerPlan([], [], dict(request.timers))
    before = dict(request.timers)
    due = str(event.data.get("timer.id", ""))
    if event.type == EventType.TIMER_DUE and due in before:
        before[due] = msgspec.structs.replace(before[due], fired=True)
    acknowledged = request.acknowledged is not None
    arm, cancel, after = plan_timers(
        rulebook.ladders, rulebook.calendars, before, clocks, moment, acknowledged=acknowledged
    )
    return TimerPlan(arm, cancel, after)
