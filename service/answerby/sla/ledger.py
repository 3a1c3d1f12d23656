"""The ledger of a clock: who had the ball at each moment of its life, and why. Pure.

The ledger consists of spans of wall time without gaps, so that they add up to the whole life. The ball is with the
team, the customer, a supplier, or nobody because work is closed.
"""

# Stays interpreted: it explains a due time to a person; no decision asks it.
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from answerby.domain.clock import ClockState
from answerby.domain.request import RequestStatus
from answerby.sla.calendar import WEEKDAYS, Calendar

LONGEST = timedelta(days=3_700)
"""The ledger ends after this time."""


class Holder(StrEnum):
    """Who has the ball."""

    TEAM = "team"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    CLOSED = "closed"
    """Nobody: the calendar has no working time then."""
    PAUSED = "paused"
    """Nobody known: an event or a condition of the clock pauses it."""


class Reason(StrEnum):
    """Why the holder of a span has the ball."""

    WORKING = "working"
    MAKE_UP_DAY = "make_up_day"
    """Working time on a day that would be free."""
    OUTSIDE_HOURS = "outside_hours"
    FREE_DAY = "free_day"
    """The calendar has no hours on that weekday."""
    HOLIDAY = "holiday"
    OVERRIDE = "override"
    """The calendar closes that date."""
    PAUSED = "paused"


class Span(NamedTuple):
    """Wall time [start, end) in UTC. `note` is the holiday's name, or the status during a pause."""

    start: datetime
    end: datetime
    holder: Holder
    reason: Reason
    note: str = ""

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


class Day(NamedTuple):
    """One local date in the life of a clock: how many of its seconds counted, and the reason if none did."""

    date: date
    counted: float
    reason: Reason
    note: str = ""


Statuses = Sequence[tuple[datetime, RequestStatus]]
"""Pairs of an instant and the request's status from then on, in order of time."""

_HOLDERS: Mapping[RequestStatus, Holder] = {
    RequestStatus.ON_HOLD: Holder.CUSTOMER,
    RequestStatus.BLOCKED: Holder.SUPPLIER,
}


def spans(calendar: Calendar, clock: ClockState, until: datetime, statuses: Statuses = ()) -> list[Span]:
    """The clock's life as spans without gap, from its start to `until` or to its end, whichever is earlier.

    Equal neighbours are joined. Years without data in the calendar count as years without holidays.
    """
    end = min(until, clock.stopped) if clock.stopped is not None else until
    end = min(end, clock.started + LONGEST)
    pauses = list(clock.pauses)
    if clock.paused_since is not None:
        pauses.append((clock.paused_since, max(end, clock.paused_since)))
    found: list[Span] = []
    for span in _cut_out(_working_and_closed(calendar, clock.started, end), pauses, statuses):
        last = found[-1] if found else None
        if last is not None and last.end == span.start and last[2:] == span[2:]:
            found[-1] = last._replace(end=span.end)
        else:
            found.append(span)
    return found


def days(calendar: Calendar, clock: ClockState, until: datetime) -> list[Day]:
    """The local dates from the clock's start to `until`, such as its due time."""
    found: dict[date, Day] = {}
    for span in spans(calendar, clock, until):
        day = span.start.astimezone(calendar.zone).date()
        last = (span.end - timedelta(microseconds=1)).astimezone(calendar.zone).date()
        while day <= last:
            start, end = _bounds(calendar, day)
            counted = (
                (min(span.end, end) - max(span.start, start)).total_seconds() if span.holder is Holder.TEAM else 0.0
            )
            known = found.get(day)
            if known is None or (counted and not known.counted):
                found[day] = Day(day, counted + (known.counted if known else 0.0), span.reason, span.note)
            elif counted:
                found[day] = known._replace(counted=known.counted + counted)
            day += timedelta(days=1)
    return [_with_reason(calendar, found[day]) for day in sorted(found)]


def shares(timeline: Sequence[Span]) -> dict[Holder, float]:
    """Seconds of each holder; together they are the whole time."""
    found: dict[Holder, float] = {}
    for span in timeline:
        found[span.holder] = found.get(span.holder, 0.0) + span.seconds
    return found


def _with_reason(calendar: Calendar, day: Day) -> Day:
    """The day; one without hours gets the reason why it is closed as a whole."""
    if day.counted or calendar.intervals_on(day.date):
        return day
    reason, note = _why_closed(calendar, day.date)
    return day._replace(reason=reason, note=note)


def _working_and_closed(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    if calendar.continuous:
        if start < end:
            yield Span(start, end, Holder.TEAM, Reason.WORKING)
        return
    known = calendar.open_ended()
    at = start
    for opening, closing in _intervals(known, start, end):
        if at < opening:
            yield from _closed(known, at, opening)
        begin, stop = max(opening, start), min(closing, end)
        day = opening.astimezone(known.zone).date()
        reason = Reason.MAKE_UP_DAY if day in known.extra_workdays else Reason.WORKING
        yield Span(begin, stop, Holder.TEAM, reason)
        at = stop
    if at < end:
        yield from _closed(known, at, end)


def _intervals(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    first, last = start.astimezone(calendar.zone).year, end.astimezone(calendar.zone).year
    for year in range(first, last + 1):
        yield from calendar.year_table(year).intervals_between(start, end)


def _closed(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """Closed time as one span per local date, as each date has its own reason."""
    at = start
    while at < end:
        day = at.astimezone(calendar.zone).date()
        midnight = max(_bounds(calendar, day)[1], at + timedelta(microseconds=1))
        stop = min(midnight, end)
        hours = calendar.intervals_on(day)
        reason, note = (Reason.OUTSIDE_HOURS, "") if hours else _why_closed(calendar, day)
        yield Span(at, stop, Holder.CLOSED, reason, note)
        at = stop


def _why_closed(calendar: Calendar, day: date) -> tuple[Reason, str]:
    holiday = calendar.holiday_on(day)
    if holiday is not None:
        return Reason.HOLIDAY, holiday
    if day in calendar.overrides:
        return Reason.OVERRIDE, ""
    return Reason.FREE_DAY, WEEKDAYS[day.weekday()]


def _bounds(calendar: Calendar, day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=calendar.zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=calendar.zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def _cut_out(parts: Iterator[Span], pauses: Sequence[tuple[datetime, datetime]], statuses: Statuses) -> Iterator[Span]:
    """The parts with pauses cut out of the team's time. Closed time stays closed."""
    for span in parts:
        if span.holder is not Holder.TEAM:
            yield span
            continue
        at = span.start
        for paused, resumed in pauses:
            begin, end = max(paused, at), min(resumed, span.end)
            if begin >= end:
                continue
            if at < begin:
                yield span._replace(start=at, end=begin)
            yield from _paused(begin, end, statuses)
            at = end
        if at < span.end:
            yield span._replace(start=at)


def _paused(start: datetime, end: datetime, statuses: Statuses) -> Iterator[Span]:
    """The spans of a pause, one for each status of the request."""
    at = start
    for (_, status), until in zip(statuses, [*(since for since, _ in statuses[1:]), end], strict=False):
        stop = min(until, end)
        if stop <= at:
            continue
        yield Span(at, stop, _HOLDERS.get(status, Holder.PAUSED), Reason.PAUSED, status.value)
        at = stop
    if at < end:
        yield Span(at, end, Holder.PAUSED, Reason.PAUSED)
