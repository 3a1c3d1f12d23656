"""The ledger of a clock: where its time went, and where the time until its due time goes. Pure.

Whole spans of wall time that follow each other without gap, so that they add up to all of it: who had the ball (the
team, the customer, a supplier, nobody because work was closed), and why.
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
"""A longer time is not told day by day."""


class Holder(StrEnum):
    """Who has the ball."""

    TEAM = "team"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    CLOSED = "closed"
    """Nobody: no work is done at that time."""
    PAUSED = "paused"
    """Nobody that is known: an event or a condition of the clock holds it."""


class Reason(StrEnum):
    """Why a span is what it is."""

    WORKING = "working"
    MAKE_UP_DAY = "make_up_day"
    """Work is done on a day that would be free."""
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
    """One local date in the life of a clock: the seconds of it that counted, and why none did."""

    date: date
    counted: float
    reason: Reason
    note: str = ""


Statuses = Sequence[tuple[datetime, RequestStatus]]
"""The request's status from an instant on, in order of time."""

_HOLDERS: Mapping[RequestStatus, Holder] = {
    RequestStatus.ON_HOLD: Holder.CUSTOMER,
    RequestStatus.BLOCKED: Holder.SUPPLIER,
}


def spans(calendar: Calendar, clock: ClockState, until: datetime, statuses: Statuses = ()) -> list[Span]:
    """The clock's life from its start to `until`, or to its end if that was earlier, as spans without gap.

    Neighbours that say the same are one. Years that the calendar does not know are taken without holidays.
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
    """Each local date from the clock's start to `until`, such as its due time: what of it counted, or why not."""
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
    """Seconds by who had the ball; together they are all of the time."""
    found: dict[Holder, float] = {}
    for span in timeline:
        found[span.holder] = found.get(span.holder, 0.0) + span.seconds
    return found


def _with_reason(calendar: Calendar, day: Day) -> Day:
    """A day of which nothing counted is free, a holiday or closed as a whole, not merely outside hours."""
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
    """Closed time, cut at midnights: each day has its own reason."""
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
    """Pauses take working time from the team; closed time stays closed."""
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
    """A pause, cut where the request's status changed."""
    at = start
    for (_, status), until in zip(statuses, [*(since for since, _ in statuses[1:]), end], strict=False):
        stop = min(until, end)
        if stop <= at:
            continue
        yield Span(at, stop, _HOLDERS.get(status, Holder.PAUSED), Reason.PAUSED, status.value)
        at = stop
    if at < end:
        yield Span(at, end, Holder.PAUSED, Reason.PAUSED)
