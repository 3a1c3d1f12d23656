"""Year tables: one local year of a calendar as UTC intervals with running totals, for binary search."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from answerby.domain.errors import TimeOutOfRange

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
"""Microseconds; all instants and amounts of working time inside this package are whole microseconds."""
_FIRST_YEAR, _LAST_YEAR = 2, 9998
"""A whole year before and after must exist, as zones shift instants over New Year."""


class LocalHours(Protocol):
    """The part of a calendar that a year table is built from."""

    @property
    def zone(self) -> ZoneInfo: ...

    def intervals_on(self, day: date) -> tuple[tuple[int, int], ...]: ...


@dataclass(frozen=True, slots=True)
class YearTable:
    """Working time of one local year. Interval i is [starts[i], ends[i]) and `before[i]` was worked before it."""

    starts: list[int]
    ends: list[int]
    before: list[int]
    total: int
    days: list[int]
    """Ordinals of the local dates on which anything is worked."""

    def __reduce__(self) -> tuple[type[YearTable], tuple[list[int], list[int], list[int], int, list[int]]]:
        """Pickles by constructor: a compiled frozen class cannot set its fields one by one."""
        return YearTable, (self.starts, self.ends, self.before, self.total, self.days)

    def worked_until(self, at: int) -> int:
        """Microseconds of the year worked before `at`."""
        index = bisect_right(self.starts, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.ends[index]) - self.starts[index]

    def is_open(self, at: int) -> bool:
        index = bisect_right(self.starts, at) - 1
        return index >= 0 and at < self.ends[index]

    def is_open_or_closing(self, at: int) -> bool:
        """Like `is_open`, but the moment of closing counts too."""
        index = bisect_right(self.starts, at) - 1
        return index >= 0 and at <= self.ends[index]

    def within(self, others: list[tuple[int, int]], zone: ZoneInfo) -> YearTable:
        """The table with only the time inside other intervals, which are in order. `zone` gives the local dates."""
        pieces = []
        index = 0
        for start, end in zip(self.starts, self.ends, strict=True):
            while index < len(others) and others[index][1] <= start:
                index += 1
            for other_start, other_end in others[index:]:
                if other_start >= end:
                    break
                pieces.append((max(start, other_start), min(end, other_end)))
        before, worked = [], 0
        for start, end in pieces:
            before.append(worked)
            worked += end - start
        days = sorted({local_datetime(zone, start).toordinal() for start, _ in pieces})
        return YearTable([start for start, _ in pieces], [end for _, end in pieces], before, worked, days)

    def intervals_between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The intervals of the year that overlap [start, end), whole, in order."""
        first = max(bisect_right(self.starts, to_micros(start)) - 1, 0)
        last = to_micros(end)
        for opening, closing in zip(self.starts[first:], self.ends[first:], strict=True):
            if opening >= last:
                return
            if closing > to_micros(start):
                yield to_datetime(opening), to_datetime(closing)

    def earliest(self, worked: int) -> int:
        """The first instant at which `worked` (0 < worked <= total) is used up; at closing, the closing time."""
        index = bisect_left(self.before, worked) - 1
        return self.starts[index] + worked - self.before[index]

    def latest(self, worked: int) -> int:
        """The last instant at which `worked` (0 <= worked < total) is used up; at closing, the next opening."""
        index = bisect_right(self.before, worked) - 1
        return self.starts[index] + worked - self.before[index]


class Position(NamedTuple):
    """The local year that an instant lies in, and the microseconds of the year worked before it."""

    year: int
    table: YearTable
    worked: int


def build_year_table(hours: LocalHours, year: int) -> YearTable:
    """Compute the table. Raises TimeOutOfRange for years at the ends of the calendar."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise TimeOutOfRange(f"year {year} is outside what deadlines can be computed for; correct the time")
    table = YearTable([], [], [], 0, [])
    worked = 0
    for day in _days_of(year):
        for start, end in _utc_intervals(hours, day):
            table.starts.append(start)
            table.ends.append(end)
            table.before.append(worked)
            worked += end - start
            if not table.days or table.days[-1] != day.toordinal():
                table.days.append(day.toordinal())
    return YearTable(table.starts, table.ends, table.before, worked, table.days)


def _days_of(year: int) -> Iterator[date]:
    first = date(year, 1, 1).toordinal()
    return (date.fromordinal(n) for n in range(first, date(year + 1, 1, 1).toordinal()))


def _utc_intervals(hours: LocalHours, day: date) -> Iterator[tuple[int, int]]:
    """The day's intervals in UTC. Where a clock change skips time, intervals shrink or disappear, and never overlap.

    An interval that lies in the skipped time is no working time. The skipped edge of another moves on by the gap.
    """
    local = hours.intervals_on(day)
    if not local:
        return
    free_from = local_micros(hours.zone, day, 0)
    midnight = local_micros(hours.zone, day, 86_400)
    whole_day = midnight - free_from == 86_400 * SECOND
    for start, end in local:
        if not whole_day and is_skipped(hours.zone, day, start) and is_skipped(hours.zone, day, end):
            continue
        # A date that a zone skipped altogether (Apia, 2011-12-30) starts and ends at the same instant.
        utc_start = max(local_micros(hours.zone, day, start), free_from)
        utc_end = min(local_micros(hours.zone, day, end), midnight)
        if utc_start < utc_end:
            yield utc_start, utc_end
            free_from = utc_end


def is_skipped(zone: ZoneInfo, day: date, second: int) -> bool:
    """Whether a clock change skips the local time."""
    if second >= 86_400:
        return False
    clock = time(second // 3600, second // 60 % 60, second % 60)
    before, after = (datetime.combine(day, clock.replace(fold=fold), zone).utcoffset() for fold in (0, 1))
    return before is not None and after is not None and before < after


def local_micros(zone: ZoneInfo, day: date, second: int) -> int:
    """The UTC instant of a local time. Skipped times move on by the gap, ambiguous times are the first (fold=0)."""
    if second >= 86_400:
        day, second = day + timedelta(days=1), second - 86_400
    clock = time(second // 3600, second // 60 % 60, second % 60)
    return to_micros(datetime.combine(day, clock, zone))


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC of an aware instant. Raises TypeError for a naive one."""
    delta = instant - EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def to_datetime(micros: int) -> datetime:
    """The UTC instant. Raises TimeOutOfRange beyond year 9999."""
    try:
        return EPOCH + timedelta(0, 0, micros)
    except OverflowError as error:
        raise TimeOutOfRange("the instant lies beyond year 9999; correct the time or the target") from error


def local_datetime(zone: ZoneInfo, micros: int) -> datetime:
    """The local time of an instant. Raises TimeOutOfRange at the ends of the calendar."""
    try:
        return to_datetime(micros).astimezone(zone)
    except OverflowError as error:
        raise TimeOutOfRange("the instant has no local time before year 1 or after 9999; correct the time") from error


def local_year(zone: ZoneInfo, micros: int) -> int:
    """The year of the local time. Raises TimeOutOfRange at the ends of the calendar."""
    index = bisect_right(_YEAR_STARTS, micros)
    if 0 < index < len(_YEAR_STARTS):
        # Away from New Year, every zone has the same year.
        from_start, to_end = micros - _YEAR_STARTS[index - 1], _YEAR_STARTS[index] - micros
        if from_start > _WIDEST_OFFSET < to_end:
            return _FIRST_QUICK_YEAR + index - 1
    return local_datetime(zone, micros).year


_FIRST_QUICK_YEAR = 1970
_YEAR_STARTS = [to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in range(_FIRST_QUICK_YEAR, 2101)]
_WIDEST_OFFSET = 27 * 3600 * SECOND
"""More than the offset of any zone from UTC ever, a skipped day included."""
