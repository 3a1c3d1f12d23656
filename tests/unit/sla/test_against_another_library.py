"""Random calendars against `businesstimedelta`, an independent calculator, over what it can express.

It knows opening hours by weekday, daily breaks and holidays, in any zone; days of its own kind can be added to it, which
make-up days use. It counts forwards, backwards and between. It has no working days, no breaks or hours of a single date,
no calendars within calendars and no dates that never were (Apia, 2011-12-30), and it takes a holiday for 24 hours: there
counting minutes is the only oracle, see test_against_counting. Its hours therefore begin after every clock change here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from businesstimedelta import BusinessTimeDelta, HolidayRule, LunchTimeRule, Rules, WorkDayRule
from businesstimedelta.rules.rule import Rule
from hypothesis import given
from pytz import timezone  # type: ignore[import-untyped]

from answerby.sla.business_time import add_working_time, working_seconds_between
from answerby.sla.calendar import Calendar
from answerby.sla.intervals import Interval, cut
from tests.kit.examples import chances, examples
from tests.unit.sla.random_calendars import CHANGES

STARTS = 5
"""Questions asked of one calendar."""
ZONES = {zone: [day for day in days if day != date(2011, 12, 30)] for zone, days in CHANGES.items()}


@dataclass
class OpeningHours:
    """Hours by weekday, each with at most one break inside, holidays and make-up days; in minutes."""

    zone: str
    hours: list[tuple[int, int, set[int]]]
    breaks: list[tuple[int, int, set[int]]]
    holidays: list[date]
    extra: dict[date, tuple[int, int]]

    def calendar(self) -> Calendar:
        weekly: dict[int, list[Interval]] = {day: [] for day in range(7)}
        for start, end, days in self.hours:
            for day in days:
                weekly[day].append((start * 60, end * 60))
        for start, end, days in self.breaks:
            for day in days:
                weekly[day] = [piece for whole in weekly[day] for piece in cut(whole, start * 60, end * 60)]
        overrides = {day: [(start * 60, end * 60)] for day, (start, end) in self.extra.items()}
        return Calendar.build("hours", self.zone, weekly, holidays=self.holidays, overrides=overrides)

    def rules(self, anchor: date) -> Rules:
        zone = timezone(self.zone)
        work = [WorkDayRule(clock(start), clock(end), sorted(days), tz=zone) for start, end, days in self.hours]
        breaks = [LunchTimeRule(clock(start), clock(end), sorted(days), tz=zone) for start, end, days in self.breaks]
        # It needs a holiday ahead and one behind.
        ends = [anchor - timedelta(days=250), anchor + timedelta(days=250)]
        holidays = HolidayRule([*self.holidays, *ends], tz=zone)
        extra = [OneDay(day, *hours, tz=zone) for day, hours in self.extra.items()]
        return Rules([*work, *extra, *breaks, holidays])


class OneDay(Rule):  # type: ignore[misc]  # the library has no types
    """Hours of a single date, in the library's own terms; far away where they are over, or to come."""

    def __init__(self, day: date, start: int, end: int, tz: Any) -> None:
        super().__init__(tz=tz)
        self._start, self._end = (tz.localize(datetime.combine(day, clock(minute))) for minute in (start, end))

    def next(self, dt: datetime) -> tuple[datetime, datetime]:
        far = timedelta(days=20_000) if dt >= self._end else timedelta()
        return max(self._start + far, dt), self._end + far

    def previous(self, dt: datetime) -> tuple[datetime, datetime]:
        far = timedelta(days=10_000) if dt <= self._start else timedelta()
        return self._start - far, min(self._end - far, dt)


def clock(minute: int) -> time:
    return time(*divmod(minute, 60))


def draw_hours(draw: Random) -> tuple[OpeningHours, date]:
    zone = draw.choice(sorted(ZONES))
    anchor = draw.choice(ZONES[zone])
    around = [anchor + timedelta(days=day) for day in range(-12, 20)]
    hours, breaks = [], []
    first = 5 * 60
    for _ in range(draw.randint(1, 2)):
        start = draw.randint(first, first + 4 * 60)
        end = start + draw.randint(60, 5 * 60)
        days = set(draw.sample(range(7), draw.randint(1, 7)))
        hours.append((start, end, days))
        if draw.random() < 0.5:
            length = draw.randint(1, (end - start) // 3)
            middle = draw.randint(start + 1, end - 1 - length)
            breaks.append((middle, middle + length, days))
        first = end + draw.randint(1, 60)
    worked = set.union(*(days for _, _, days in hours))
    holidays = draw.sample(around, draw.randint(0, 4))
    free = [day for day in around if day.weekday() not in worked and day not in holidays]
    extra = dict.fromkeys(draw.sample(free, min(len(free), draw.randint(0, 2))), (9 * 60, 13 * 60 + 7))
    return OpeningHours(zone, hours, breaks, holidays, extra), anchor


@examples(60, deep=10_000)
@given(draw=chances)
def test_against_another_library(draw: Random) -> None:
    hours, anchor = draw_hours(draw)
    calendar, rules = hours.calendar(), hours.rules(anchor)
    for _ in range(STARTS):
        start = datetime.combine(anchor, time(), UTC) + timedelta(seconds=draw.randint(-8 * 86_400, 4 * 86_400))
        check(hours, calendar, rules, start, draw.randint(1, 10 * 3600))


def check(hours: OpeningHours, calendar: Calendar, rules: Rules, start: datetime, seconds: int) -> None:
    target = BusinessTimeDelta(rules, seconds=seconds)
    due = add_working_time(calendar, start, seconds)
    assert due == start + target, (hours, start, seconds)
    spent = rules.difference(start, due).timedelta.total_seconds()
    assert working_seconds_between(calendar, start, due) == spent == seconds, (hours, start, seconds)
    assert add_working_time(calendar, start, -seconds) == start - target, (hours, start, seconds)
