"""The scope of a schedule: the requests that it concerns."""

# Stays interpreted: schedules are rare.
from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.condition import ALWAYS
from answerby.domain.request import RequestState, RequestStatus
from answerby.domain.schedule import Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.facts.record import Record


def concerns(
    compiled: CompiledRulebook, schedule: Schedule, state: RequestState, record: Record | None, at: datetime
) -> bool | None:
    """Whether a schedule due `at` concerns the request; None when its condition cannot be evaluated.

    It concerns open requests only. `record` None: the schedule has no condition.
    """
    if state.status not in OPEN:
        return False
    if schedule.due_today and not due_later_on(state, schedule.due_today, at, zone_of(compiled, schedule)):
        return False
    if schedule.when == ALWAYS or record is None:
        return True
    return compiled.schedule_conditions[schedule.when](record)


def zone_of(compiled: CompiledRulebook, schedule: Schedule) -> ZoneInfo:
    return compiled.rulebook.calendars[schedule.calendar].zone


def due_later_on(state: RequestState, name: str, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock runs and is due at `at` or later on the same local date."""
    clock = state.clocks.get(name)
    if clock is None or clock.phase is not ClockPhase.RUNNING or clock.due is None:
        return False
    return clock.due >= at and clock.due.astimezone(zone).date() == at.astimezone(zone).date()


def is_running(clock: ClockState) -> bool:
    return clock.phase is ClockPhase.RUNNING


OPEN = frozenset({RequestStatus.OPEN, RequestStatus.ON_HOLD, RequestStatus.BLOCKED})
