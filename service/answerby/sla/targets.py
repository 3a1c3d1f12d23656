"""Due times: when a target, or a share of it, is used up, counted from a start with pauses left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.clock_definition import Boundary
from answerby.sla.business_time import (
    add_working_days,
    add_working_micros,
    end_of_working_day,
    working_micros_between,
)
from answerby.sla.calendar import Calendar
from answerby.sla.year_table import SECOND

Pauses = Sequence[tuple[datetime, datetime]]
"""Closed [start, end) wall intervals in order."""
# Looked up once: see answerby.sla.unchanged.
_SECONDS: Final = TargetUnit.SECONDS
_WORKING_DAYS: Final = TargetUnit.WORKING_DAYS
_INSTANT = timedelta(microseconds=1)


def due_time(
    target: Target, calendar: Calendar, started: datetime, pauses: Pauses = (), boundary: Boundary = "close"
) -> datetime:
    """When the target is used up. Raises what answerby.sla.business_time raises.

    Pauses count as long as the calendar works; one that began after the due time has nothing left to move.
    """
    due = _unpaused_due(target, calendar, started, boundary)
    return _after_pauses(calendar, due, pauses, boundary) if pauses else due


def share_time(
    target: Target,
    calendar: Calendar,
    started: datetime,
    percent: int,
    pauses: Pauses = (),
    boundary: Boundary = "close",
    *,
    unpaused_due: datetime | None = None,
) -> datetime:
    """When `percent` of the target's working time is used up; 100 is the due time, more lies after it.

    `unpaused_due`, the due time without pauses, need not be computed again where it is known.
    """
    if percent == 100:
        return due_time(target, calendar, started, pauses, boundary)
    if target.unit is _SECONDS:
        total = target.amount * SECOND
    else:
        unpaused_due = unpaused_due or _unpaused_due(target, calendar, started, boundary)
        total = working_micros_between(calendar, started, unpaused_due)
    reached = add_working_micros(calendar, started, total * percent // 100, boundary)
    return _after_pauses(calendar, reached, pauses, boundary)


def used_micros(calendar: Calendar, started: datetime, until: datetime, pauses: Pauses = ()) -> int:
    """Microseconds of working time in [started, until), pauses left out."""
    used = working_micros_between(calendar, started, until)
    for paused, resumed in pauses:
        used -= working_micros_between(calendar, max(paused, started), min(resumed, until))
    return used


def _unpaused_due(target: Target, calendar: Calendar, started: datetime, boundary: Boundary) -> datetime:
    if target.unit is _WORKING_DAYS:
        due = add_working_days(calendar, started, target.amount, boundary)
        return end_of_working_day(calendar, due) if target.end_of_day else due
    if target.end_of_day:
        # A target that is used up at closing time belongs to the day that closes, at midnight too.
        due = add_working_micros(calendar, started, target.amount * SECOND, "close")
        return end_of_working_day(calendar, due - _INSTANT if target.amount else due)
    return add_working_micros(calendar, started, target.amount * SECOND, boundary)


def _after_pauses(calendar: Calendar, reached: datetime, pauses: Pauses, boundary: Boundary) -> datetime:
    for paused, resumed in pauses:
        if paused > reached:
            break
        reached = add_working_micros(calendar, reached, working_micros_between(calendar, paused, resumed), boundary)
    return reached
