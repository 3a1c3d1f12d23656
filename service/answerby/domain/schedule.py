"""Schedules: notices, tasks and cases at times of the calendar, whatever happens to requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from answerby.domain.condition import ALWAYS, Condition
from answerby.domain.ladder import Notification


class Every(StrEnum):
    """How often a schedule is due."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class OnHoliday(StrEnum):
    """The date in place of one without working time."""

    SKIP = "skip"
    PREVIOUS_WORKING_DAY = "previous_working_day"
    NEXT_WORKING_DAY = "next_working_day"
    SAME_DAY = "same_day"
    """The date itself."""


class Audience(StrEnum):
    """The subject of one notice."""

    REQUEST = "request"
    """Each open request by itself, decided like any other event of it."""
    DEPARTMENT = "department"
    """The open requests of each department that has any."""
    ROLE = "role"
    """The open requests of each role that has any."""
    TENANT = "tenant"
    """All open requests, and also none."""


LAST_DAY = 31
"""The day that stands for the last of any month. A day that a month lacks stands for its last day too."""
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A task for a role."""

    role: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. `every: week` needs `weekdays`, `every: month` needs `day`."""

    id: str
    every: Every
    at: int
    """Second of the local day, in the calendar's time zone."""
    calendar: str
    on_holiday: OnHoliday
    audience: Audience
    because: str = ""
    weekdays: tuple[int, ...] = ()
    """0 is Monday."""
    day: int = 0
    """Of the month, from 1."""
    when: Condition = ALWAYS
    """Condition on the facts of each open request."""
    due_today: str = ""
    """Name of a clock. Only requests where it runs and is due later on the same local date; empty: all."""
    notify: tuple[Notification, ...] = ()
    task: ScheduledTask | None = None
    open_case: str = ""
    most_urgent: int = 10
    """Most requests that a notice names."""
