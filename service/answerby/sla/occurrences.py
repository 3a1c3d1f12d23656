"""Occurrences of schedules: nominal dates, which holidays move or drop. Pure."""

# Stays interpreted: it runs once per schedule, not once per decision.
from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from answerby.domain.errors import CalendarYearMissing
from answerby.sla.calendar import Calendar

if TYPE_CHECKING:
    from answerby.domain.schedule import Schedule

_REACH = timedelta(days=70)
"""More than the longest closed period, so that a date never moves further."""
_LOOK_AHEAD = (2, 9, 70, 800)
"""Days. The next occurrence is searched in these spans, one after the other."""
LONGEST_OUTAGE = timedelta(days=1100)
"""Occurrences further back do not count as missed."""


class Occurrence(NamedTuple):
    """One occurrence of a schedule."""

    time: datetime
    """In UTC."""
    day: date
    """Its local date."""
    nominal: date
    """The date by the rule file; differs from `day` when a holiday moved the occurrence."""


def occurrences(schedule: Schedule, calendar: Calendar, after: datetime, until: datetime) -> list[Occurrence]:
    """The occurrences in (after, until], in order. Dates that are moved onto the same day are one occurrence.

    Years without data in the calendar count as years without holidays: a reminder on a holiday beats none. A local
    time that daylight saving skips counts as one hour later, an ambiguous time as the first of the two.
    """
    after = max(after, until - LONGEST_OUTAGE)
    if after >= until:
        return []
    first, last = (moment.astimezone(calendar.zone).date() for moment in (after, until))
    found: dict[date, Occurrence] = {}
    for nominal in _nominal_dates(schedule, first - _REACH, last + _REACH):
        day = _moved(schedule, calendar, nominal)
        if day is not None and day not in found:
            moment = _local_moment(calendar, day, schedule.at)
            if after < moment <= until:
                found[day] = Occurrence(moment, day, nominal)
    return sorted(found.values())


def next_occurrence(schedule: Schedule, calendar: Calendar, after: datetime) -> Occurrence | None:
    """The first occurrence after an instant; None when there is none within two years."""
    for days in _LOOK_AHEAD:
        found = occurrences(schedule, calendar, after, after + timedelta(days=days))
        if found:
            return found[0]
    return None


def _nominal_dates(schedule: Schedule, first: date, last: date) -> Iterator[date]:
    if schedule.every == "month":
        yield from _monthly(schedule.day, first, last)
        return
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if schedule.every == "day" or day.weekday() in schedule.weekdays:
            yield day


def _monthly(number: int, first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        following = (month + timedelta(days=31)).replace(day=1)
        end = following - timedelta(days=1)
        yield month.replace(day=min(number, end.day))
        month = following


def _moved(schedule: Schedule, calendar: Calendar, nominal: date) -> date | None:
    if schedule.on_holiday == "same_day" or is_working_date(calendar, nominal):
        return nominal
    match schedule.on_holiday:
        case "previous_working_day":
            return _neighbour(calendar, nominal, -1)
        case "next_working_day":
            return _neighbour(calendar, nominal, 1)
    return None


def is_working_date(calendar: Calendar, day: date) -> bool:
    """Whether a local date has working time. In a year without data only the weekly hours decide."""
    days = _working_days(calendar, day.year)
    index = bisect_left(days, day.toordinal())
    return index < len(days) and days[index] == day.toordinal()


def _neighbour(calendar: Calendar, day: date, direction: int) -> date | None:
    """The nearest working date on one side; None when neither this year nor its neighbour has one."""
    for year in (day.year, day.year + direction):
        days = _working_days(calendar, year)
        index = bisect_right(days, day.toordinal()) if direction > 0 else bisect_left(days, day.toordinal()) - 1
        if 0 <= index < len(days):
            return date.fromordinal(days[index])
    return None


def _working_days(calendar: Calendar, year: int) -> list[int]:
    """Ordinals of the working dates of a year, in order."""
    try:
        return calendar.year_table(year).days
    except CalendarYearMissing:
        return calendar.open_ended().year_table(year).days


def _local_moment(calendar: Calendar, day: date, second: int) -> datetime:
    at = time(second // 3600, second % 3600 // 60, second % 60)
    return datetime.combine(day, at, calendar.zone).astimezone(UTC)
