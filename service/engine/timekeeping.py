"""Clocks and timers of a decision: from what the sla and escalation stages said to due times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from service.domain.clock import ClockPhase, ClockState, Target, Timer
from service.domain.decision import Flag
from service.domain.errors import CalendarYearMissing
from service.domain.event import Event, EventType
from service.domain.request import RequestState
from service.rules.model import Output, Rule, Rulebook
from service.sla.business_time import touches_provisional
from service.sla.clocks import ClockEvent, ClockTarget, advance_clocks
from service.sla.ladders import plan_timers

SLA_PREFIX = "sla."
LADDER_PREFIX = "ladder."


def advance(
    rulebook: Rulebook,
    request: RequestState,
    event: Event,
    goals: Mapping[str, ClockTarget],
    moment: datetime,
) -> tuple[dict[str, ClockState], list[Flag]]:
    """The clocks after the event. A calendar that lacks a year gives the earlier, safe due time and a flag."""
    clock_event = ClockEvent(event.type, event.time, event.actor, request.status)
    flags: list[Flag] = []
    try:
        clocks = advance_clocks(
            rulebook.clocks, rulebook.calendars, request.clocks, goals, clock_event, request.created
        )
    except CalendarYearMissing as missing:
        flags.append(Flag(missing.reason, f"{missing.message}; due times assume that it has no holidays"))
        open_ended = {name: calendar.open_ended() for name, calendar in rulebook.calendars.items()}
        clocks = advance_clocks(rulebook.clocks, open_ended, request.clocks, goals, clock_event, request.created)
    mark_breaches(clocks, moment)
    flags += provisional(rulebook, request.clocks, clocks)
    return clocks, flags


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
        goals[clock] = ClockTarget(target, rule, definition.ladder)
    return goals


def take_ladders(goals: dict[str, ClockTarget], names: Iterable[str], outputs: Mapping[str, Output]) -> None:
    """Gives the targets the ladders that outputs of these names ask for."""
    for name in names:
        clock = name.removeprefix(LADDER_PREFIX)
        if name in outputs and clock in goals:
            goals[clock] = goals[clock]._replace(ladder=str(outputs[name]))


def mark_breaches(clocks: dict[str, ClockState], moment: datetime) -> None:
    """A clock that still runs at or past its due time is breached, whatever stops it later."""
    for name, clock in clocks.items():
        late = clock.due is not None and clock.due <= moment and clock.phase is ClockPhase.RUNNING
        if late and not clock.breached:
            clocks[name] = msgspec.structs.replace(clock, breached=True)


def provisional(rulebook: Rulebook, before: Mapping[str, ClockState], clocks: Mapping[str, ClockState]) -> list[Flag]:
    """Says so when a new due time rests on a year that is published only in part."""
    flags = []
    for name, clock in clocks.items():
        calendar = rulebook.calendars.get(clock.target.calendar)
        if calendar is None or clock.due is None or not calendar.provisional_years:
            continue
        earlier = before.get(name)
        moved = earlier is None or earlier.due != clock.due
        if moved and touches_provisional(calendar, clock.started, clock.due):
            flags.append(Flag("CALENDAR_PROVISIONAL", f"{name}: {calendar.id} is not fully published for its due time"))
    return flags


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
