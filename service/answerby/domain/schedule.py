"""A schedule: what is told or begun at a time of the calendar, whatever happens to requests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from answerby.domain.condition import ALWAYS, Condition
from answerby.domain.ladder import Notification


class Every(StrEnum):
    """How often it comes."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class OnHoliday(StrEnum):
    """What becomes of a date on which the calendar has no work."""

    SKIP = "skip"
    PREVIOUS_WORKING_DAY = "previous_working_day"
    NEXT_WORKING_DAY = "next_working_day"
    SAME_DAY = "same_day"
    """It comes all the same."""


class Audience(StrEnum):
    """What one notice is about."""

    REQUEST = "request"
    """Each open request by itself, decided like any other event of it."""
    DEPARTMENT = "department"
    """The open requests of each department that has any."""
    ROLE = "role"
    """The open requests of each role that has any."""
    TENANT = "tenant"
    """All open requests; also when there is none."""


LAST_DAY = 31
"""The day of the month that stands for its last one; so does any day that a month lacks."""
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A task for a role."""

    role: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. Exactly one of `weekdays` and `day` says more than `every` does, where it is needed."""

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
    """Asked of the facts of each open request."""
    due_today: str = ""
    """Only requests of which this clock runs and is due later on the same local date; empty: all."""
    notify: tuple[Notification, ...] = ()
    task: ScheduledTask | None = None
    open_case: str = ""
    most_urgent: int = 10
    """How many requests a notice names."""
