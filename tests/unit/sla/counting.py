"""Working time counted minute by minute: an oracle that knows neither intervals nor sums."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tests.unit.sla.random_calendars import DAY, Plan

MINUTE, QUARTER = timedelta(minutes=1), 15
BEFORE, AFTER = 25, 60
"""Days counted on either side of the anchor."""


class Run(NamedTuple):
    """Minutes of UTC, by index, that follow each other on one local date without a change of the clock."""

    first: int
    length: int
    day: date
    minute: int
    """Local, of the first."""


@lru_cache(maxsize=64)
def local_runs(zone: str, origin: datetime) -> list[Run]:
    """What the clock on the wall shows from the origin on, read every quarter of an hour: clocks change on none else."""
    here = ZoneInfo(zone)
    runs: list[Run] = []
    for index in range(0, (BEFORE + AFTER) * DAY, QUARTER):
        local = (origin + index * MINUTE).astimezone(here)
        day, minute = local.date(), local.hour * 60 + local.minute
        last = runs[-1] if runs else None
        if last is not None and (last.day, last.minute + last.length) == (day, minute):
            runs[-1] = last._replace(length=last.length + QUARTER)
        else:
            runs.append(Run(index, QUARTER, day, minute))
    return runs


class Counted:
    """The minutes around an anchor, each worked or not. Instants are indexes of minutes; None: not within the count."""

    def __init__(self, plan: Plan, anchor: date) -> None:
        self.origin = datetime.combine(anchor, time(), UTC) - timedelta(days=BEFORE)
        self._runs = local_runs(plan.zone, self.origin)
        self.worked = _worked(plan, self.origin)
        found = {run.day for run in self._runs if 1 in self.worked[run.first : run.first + run.length]}
        self.dates = sorted(found)
        """Local dates on which anything is worked."""

    @property
    def recurs(self) -> bool:
        """Whether anything is worked in the weeks without exceptions too."""
        return 1 in self.worked[: 14 * DAY] and 1 in self.worked[-14 * DAY :]

    def at(self, index: int) -> datetime:
        return self.origin + index * MINUTE

    def opening(self, index: int) -> int | None:
        """The first worked minute from here on."""
        found = self.worked.find(1, index)
        return None if found < 0 else found

    def after(self, index: int, minutes: int) -> int | None:
        """When so many minutes have been worked."""
        for _ in range(minutes):
            index = self.worked.find(1, index) + 1
            if index == 0:
                return None
        return index

    def before(self, index: int, minutes: int) -> int | None:
        """Since when so many minutes have been worked."""
        for _ in range(minutes):
            index = self.worked.rfind(1, 0, index)
            if index < 0:
                return None
        return index

    def days_later(self, index: int, days: int, *, keep_closing: bool) -> int | None:
        """The same local time so many working dates later, before if negative; None also where no such time is."""
        place = self._place(index, closing=days < 0)
        if place is None or self._indexes(*place) == []:
            return None
        day, minute = place
        number = bisect_left(self.dates, day) + days
        if not 0 < number < len(self.dates) - 1 or len(self._indexes(day, minute)) != 1:
            return None
        landing = self._indexes(self.dates[number], minute)
        if len(landing) != 1:
            return None
        closes = keep_closing and minute > 0 and self.worked[landing[0] - 1] == 1
        return landing[0] if closes else self.opening(landing[0])

    def end_of_day(self, index: int) -> int | None:
        """After the last worked minute of the local date, or of the next working date."""
        day = self._local(index)[0]
        number = bisect_left(self.dates, day)
        if number >= len(self.dates) - 1:
            return None
        ends = [run.first + run.length for run in self._runs if run.day == self.dates[number]]
        return self.worked.rfind(1, 0, max(ends)) + 1

    def _place(self, index: int, *, closing: bool) -> tuple[date, int] | None:
        """The local date and minute of an instant of work; a closing belongs to the day that it closes, up to 24:00."""
        if closing and not self.worked[index] and self.worked[index - 1]:
            day, minute = self._local(index - 1)
            return day, minute + 1
        opening = self.opening(index)
        return None if opening is None else self._local(opening)

    def _local(self, index: int) -> tuple[date, int]:
        run = self._runs[bisect_left(self._runs, index + 1, key=lambda run: run.first) - 1]
        return run.day, run.minute + index - run.first

    def _indexes(self, day: date, minute: int) -> list[int]:
        """All instants at which the clock shows this; 24:00 is the end of the date."""
        if minute == DAY:
            return [run.first + run.length for run in self._runs if run.day == day][-1:]
        return [
            run.first + minute - run.minute
            for run in self._runs
            if run.day == day and run.minute <= minute < run.minute + run.length
        ]


def _worked(plan: Plan, origin: datetime) -> bytes:
    runs = local_runs(plan.zone, origin)
    own = b"".join(plan.minutes_of(run.day)[run.minute : run.minute + run.length] for run in runs)
    for other in plan.within:
        both = int.from_bytes(own) & int.from_bytes(_worked(other, origin))
        own = both.to_bytes(len(own))
    return own
