"""Arithmetic in working time. Pure; instants are aware datetimes, results are in UTC, precise to the microsecond.

Every function raises CalendarYearMissing for a year without data in the calendar, TargetOutOfReach where the calendar
has too little working time in the ten years that follow (or precede), TimeOutOfRange for instants near the years 1 and
9999, TypeError for naive datetimes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime

from answerby.domain.clock_definition import Boundary
from answerby.domain.errors import TargetOutOfReach
from answerby.sla.calendar import Calendar
from answerby.sla.intervals import DAY_SECONDS
from answerby.sla.year_table import (
    SECOND,
    YearTable,
    local_datetime,
    local_micros,
    local_year,
    to_datetime,
    to_micros,
)

HORIZON_YEARS = 10
"""Calendar years after the one of the start that are searched: as long as the longest target of a rule file. A calendar
that never opens costs no more than their tables."""


def add_working_time(calendar: Calendar, start: datetime, seconds: int, boundary: Boundary = "close") -> datetime:
    """The instant `seconds` of working time after `start`; negative seconds count back.

    Zero seconds give `start` itself, or with `next_open` the next working moment. Counting back to an opening gives
    that opening.
    """
    return add_working_micros(calendar, start, seconds * SECOND, boundary)


def add_working_micros(calendar: Calendar, start: datetime, micros: int, boundary: Boundary = "close") -> datetime:
    """Like `add_working_time`, in microseconds."""
    if micros > 0 and boundary == "close" and not calendar.continuous:
        year, table, worked = calendar.position(start)
        worked += micros
        return to_datetime(table.earliest(worked) if worked <= table.total else _beyond(calendar, year, worked))
    at = to_micros(start)
    if calendar.continuous or (micros == 0 and boundary == "close"):
        return to_datetime(at + micros)
    if micros < 0:
        return to_datetime(_back(calendar, at, -micros))
    return to_datetime(_forward_to_open(calendar, at, micros))


def add_working_days(calendar: Calendar, start: datetime, days: int, boundary: Boundary = "close") -> datetime:
    """The same local time `days` working dates after `start` (before it, if negative).

    A start outside working time first moves to the next opening. Counted back, a closing time belongs to the day that
    it closes. Where the landing day has no work at that time, the next opening counts; with `close`, the landing day's
    closing time stays. The result is not `days` times 24 hours of working time.
    """
    at = to_micros(start)
    return _days_from(calendar, at, days, boundary, closing=days < 0 and _is_closing(calendar, at))


def working_days_from(calendar: Calendar, instant: datetime, days: int) -> datetime:
    """Like `add_working_days`, from an instant at which something ends, such as a due time.

    A closing time belongs to the day that it closes, counted forward too: one working day after Wednesday's closing is
    Thursday's closing, not the time after Thursday's opening at which a whole day has been worked.
    """
    at = to_micros(instant)
    return _days_from(calendar, at, days, "close", closing=_is_closing(calendar, at))


def end_of_working_day(calendar: Calendar, instant: datetime) -> datetime:
    """When work ends on the local date of the instant, or on the next working date if that date has none.

    A day of 24 hours ends at the midnight that follows it (GLPI).
    """
    at = to_micros(instant)
    for _ in range(2):
        day = local_datetime(calendar.zone, at).date()
        table = calendar.year_table(day.year)
        index = bisect_left(table.starts, local_micros(calendar.zone, day, DAY_SECONDS)) - 1
        if index >= 0 and table.ends[index] > local_micros(calendar.zone, day, 0):
            return to_datetime(table.ends[index])
        at = _forward_to_open(calendar, at, 0)
    raise AssertionError("a working date has working time")


def working_seconds_between(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Seconds of working time in [start, end); 0 when the end is not after the start."""
    return working_micros_between(calendar, start, end) / SECOND


def working_micros_between(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Like `working_seconds_between`, in whole microseconds."""
    first, last = to_micros(start), to_micros(end)
    if last <= first:
        return 0
    if calendar.continuous:
        return last - first
    # The last moment inside the interval decides the year: [.., New Year) needs nothing of the new year.
    first_year, last_year = local_year(calendar.zone, first), local_year(calendar.zone, last - 1)
    worked = calendar.year_table(last_year).worked_until(last) - calendar.year_table(first_year).worked_until(first)
    for year in range(first_year, last_year):
        worked += calendar.year_table(year).total
    return worked


def next_opening(calendar: Calendar, instant: datetime) -> datetime:
    """The first working moment at or after an instant."""
    return add_working_micros(calendar, instant, 0, "next_open")


def working_periods(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The UTC working intervals inside [start, end), in order; the first and last cut to fit."""
    first, last = to_micros(start), to_micros(end)
    if last <= first:
        return
    for year in range(local_year(calendar.zone, first), local_year(calendar.zone, last - 1) + 1):
        table = calendar.year_table(year)
        for opens, closes in zip(table.starts, table.ends, strict=True):
            if first < closes and opens < last:
                yield to_datetime(max(first, opens)), to_datetime(min(last, closes))


def touches_provisional(calendar: Calendar, start: datetime, end: datetime) -> tuple[int, ...]:
    """The local years of [start, end] whose holidays are published only in part; empty (false) where all are final."""
    if calendar.provisional_from is None or end < calendar.provisional_from:
        return ()
    first, last = (local_year(calendar.zone, to_micros(instant)) for instant in (start, end))
    return tuple(year for year in sorted(calendar.provisional_years) if first <= year <= last)


def _days_from(calendar: Calendar, at: int, days: int, boundary: Boundary, *, closing: bool) -> datetime:
    """`days` working dates from `at`; with `closing`, work ends at `at` and counts for the date that it ends."""
    at = at if closing else _forward_to_open(calendar, at, 0)
    # A day that closes at midnight does so at 24:00 of its own date.
    local = local_datetime(calendar.zone, at - closing)
    table = calendar.year_table(local.year)
    day = _working_date(calendar, local.year, bisect_left(table.days, local.toordinal()) + days)
    landing = _at_time_of(calendar, day, local, closing=closing)
    table = calendar.year_table(day.year)
    works = table.is_open(landing) or (boundary == "close" and _closes_on(calendar, table, day, landing))
    return to_datetime(landing if works else _forward_to_open(calendar, landing, 0))


def _is_closing(calendar: Calendar, at: int) -> bool:
    """Whether work ends at this moment."""
    return calendar.year_table(local_year(calendar.zone, at - 1)).is_open_or_closing(at) and not (
        calendar.year_table(local_year(calendar.zone, at)).is_open(at)
    )


def _closes_on(calendar: Calendar, table: YearTable, day: date, at: int) -> bool:
    """Whether work of that date ends at this moment. The midnight that begins the date ends the date before."""
    return table.is_open_or_closing(at) and at > local_micros(calendar.zone, day, 0)


def _at_time_of(calendar: Calendar, day: date, local: datetime, *, closing: bool) -> int:
    """The instant on a date at the time of day of `local`. For a closing, `local` is a microsecond early."""
    landing = to_micros(datetime.combine(day, local.time(), calendar.zone))
    return landing + closing


def _beyond(calendar: Calendar, year: int, worked: int) -> int:
    """The first instant at which `worked`, counted from the start of the year, is used up in a later year."""
    for table in _years_from(calendar, year, 1):
        if worked <= table.total:
            break
        worked -= table.total
    return table.earliest(worked)


def _forward_to_open(calendar: Calendar, at: int, micros: int) -> int:
    if calendar.continuous:
        return at + micros
    year = local_year(calendar.zone, at)
    table = calendar.year_table(year)
    worked = table.worked_until(at) + micros
    if worked >= table.total:
        for table in _years_from(calendar, year, 1):
            if worked < table.total:
                break
            worked -= table.total
    return table.latest(worked)


def _back(calendar: Calendar, at: int, micros: int) -> int:
    year = local_year(calendar.zone, at)
    table = calendar.year_table(year)
    worked = table.worked_until(at) - micros
    if worked >= 0:
        return table.latest(worked)
    for table in _years_from(calendar, year - 1, -1):
        worked += table.total
        if worked >= 0:
            break
    return table.latest(worked)


def _working_date(calendar: Calendar, year: int, index: int) -> date:
    """The working date `index` working dates after the year's first; the index may lie outside the year."""
    if index < 0:
        for table in _years_from(calendar, year - 1, -1):
            index += len(table.days)
            if index >= 0:
                break
        return date.fromordinal(table.days[index])
    for table in _years_from(calendar, year, 1):
        if index < len(table.days):
            break
        index -= len(table.days)
    return date.fromordinal(table.days[index])


def _years_from(calendar: Calendar, year: int, step: int) -> Iterator[YearTable]:
    for offset in range(HORIZON_YEARS + 1):
        yield calendar.year_table(year + offset * step)
    raise TargetOutOfReach(
        f"calendar {calendar.id} has too little working time: what is asked for lies more than {HORIZON_YEARS} years "
        "away; give the calendar hours, or shorten the target"
    )
