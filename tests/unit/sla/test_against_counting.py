"""Random calendars against two independent ways of counting: minute by minute, and another library."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from businesstimedelta import BusinessTimeDelta, Rules, WorkDayRule
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pytz import timezone  # type: ignore[import-untyped]

from service.sla.business_time import add_working_days, add_working_time, working_seconds_between
from service.sla.calendar import Calendar

MINUTE = timedelta(minutes=1)
CHANGES = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Asia/Shanghai": [date(2026, 2, 15), date(2025, 12, 31)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Pacific/Apia": [date(2011, 12, 30), date(2012, 4, 1), date(2012, 9, 30)],
}
"""Days around which the random calendars lie: clock changes, a day that never was, holidays, a New Year."""
Hours = list[tuple[int, int]]
"""Minutes since midnight."""


@dataclass
class Week:
    """What a random calendar is made of, and a day-by-day reading of it that shares no code with Calendar."""

    zone: str
    weekly: dict[int, Hours]
    holidays: list[date] = field(default_factory=list)
    annual: list[str] = field(default_factory=list)
    extra: dict[date, int] = field(default_factory=dict)
    overrides: dict[date, Hours] = field(default_factory=dict)
    breaks: dict[date, Hours] = field(default_factory=dict)

    def calendar(self) -> Calendar:
        return Calendar.build(
            "random",
            self.zone,
            {day: in_seconds(hours) for day, hours in self.weekly.items()},
            holidays=self.holidays,
            annual_holidays=self.annual,
            extra_workdays=self.extra,
            overrides={day: in_seconds(hours) for day, hours in self.overrides.items()},
            breaks={day: in_seconds(hours) for day, hours in self.breaks.items()},
        )

    def works(self, instant: datetime) -> bool:
        here = instant.astimezone(ZoneInfo(self.zone))
        day, minute = here.date(), here.hour * 60 + here.minute
        if any(start <= minute < end for start, end in self.breaks.get(day, [])):
            return False
        if day in self.overrides:
            hours = self.overrides[day]
        elif day in self.extra:
            hours = self.weekly.get(self.extra[day], [])
        elif day in self.holidays or day.strftime("%m-%d") in self.annual:
            hours = []
        else:
            hours = self.weekly.get(day.weekday(), [])
        return any(start <= minute < end for start, end in hours)


def in_seconds(hours: Hours) -> Hours:
    return [(start * 60, end * 60) for start, end in hours]


# No zone here changes its clocks at midnight or after five, so that every opening and closing exists exactly once.
MINUTES = st.sampled_from([0, *range(5 * 60, 24 * 60, 15), 24 * 60])


@st.composite
def day_hours(draw: st.DrawFn, least: int = 0) -> Hours:
    edges = sorted(draw(st.sets(MINUTES, min_size=2 * least, max_size=6)))
    return list(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def weeks(draw: st.DrawFn) -> tuple[Week, datetime]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    anchor = draw(st.sampled_from(CHANGES[zone]))
    near = st.integers(-6, 12).map(lambda days: anchor + timedelta(days=days))
    weekly = {0: draw(day_hours(least=1)), **draw(st.dictionaries(st.integers(1, 6), day_hours(), max_size=6))}
    week = Week(
        zone,
        weekly,
        holidays=draw(st.lists(near, max_size=4)),
        annual=[day.strftime("%m-%d") for day in draw(st.lists(near, max_size=2))],
        extra=dict.fromkeys(draw(st.lists(near, max_size=3)), 0),
        overrides=draw(st.dictionaries(near, day_hours(), max_size=2)),
        breaks=draw(st.dictionaries(near, day_hours(), max_size=3)),
    )
    start = datetime.combine(anchor, time(), UTC) + draw(st.integers(-6 * 1440, 2 * 1440)) * MINUTE
    return week, start


def check_against_counting(week: Week, start: datetime, target: int) -> None:
    """Walks on minute by minute until `target` minutes are worked or a fortnight has passed."""
    calendar = week.calendar()
    worked, now = 0, start
    while worked < target and now < start + timedelta(days=14):
        worked += week.works(now)
        now += MINUTE
    assert working_seconds_between(calendar, start, now) == worked * 60
    if worked == target:
        assert add_working_time(calendar, start, target * 60) == now
        assert add_working_time(calendar, start, target * 60, "next_open") == next_worked(week, now)
        assert add_working_time(calendar, now, -target * 60) == next_worked(week, start)


def next_worked(week: Week, now: datetime) -> datetime:
    while not week.works(now):
        now += MINUTE
    return now


@settings(max_examples=150, deadline=None)
@given(weeks(), st.integers(1, 2000))
def test_against_counting_minutes(drawn: tuple[Week, datetime], target: int) -> None:
    check_against_counting(*drawn, target)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None)
@given(weeks(), st.integers(1, 4000))
def test_against_counting_minutes_at_length(drawn: tuple[Week, datetime], target: int) -> None:
    check_against_counting(*drawn, target)


@settings(max_examples=300, deadline=None)
@given(weeks())
def test_is_working_like_counting(drawn: tuple[Week, datetime]) -> None:
    week, start = drawn
    calendar = week.calendar()
    for minutes in range(0, 3 * 1440, 97):
        now = start + minutes * MINUTE
        assert calendar.is_working(now) == week.works(now)


@settings(max_examples=100, deadline=None)
@given(weeks(), st.integers(0, 5))
def test_working_days_land_that_many_working_dates_later(drawn: tuple[Week, datetime], days: int) -> None:
    week, start = drawn
    opening = next_worked(week, start).astimezone(ZoneInfo(week.zone))
    assume(opening.hour == 0 or opening.hour >= 5)
    day = opening.date()
    for _ in range(days):
        day += timedelta(days=1)
        while not works_on(week, day):
            day += timedelta(days=1)
    landing = datetime.combine(day, opening.time(), ZoneInfo(week.zone))
    closing = not week.works(landing) and week.works(landing.astimezone(UTC) - MINUTE)
    expected = landing if closing else next_worked(week, landing.astimezone(UTC))
    assert add_working_days(week.calendar(), start, days) == expected


def works_on(week: Week, day: date) -> bool:
    """Opening hours last at least a quarter of an hour."""
    zone = ZoneInfo(week.zone)
    quarters = (datetime.combine(day, time(n // 4, n % 4 * 15), zone).astimezone(UTC) for n in range(96))
    return any(quarter.astimezone(zone).date() == day and week.works(quarter) for quarter in quarters)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "UTC"]),
    st.integers(5 * 60, 12 * 60),
    st.integers(30, 11 * 60),
    st.sets(st.integers(0, 6), min_size=1),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(1, 60 * 3600),
)
def test_against_another_library(
    zone: str, opens: int, length: int, days: set[int], start: datetime, seconds: int
) -> None:
    closes = opens + length
    calendar = Calendar.build("plain", zone, dict.fromkeys(days, ((opens * 60, closes * 60),)))
    rule = WorkDayRule(
        start_time=time(*divmod(opens, 60)),
        end_time=time(*divmod(closes, 60)),
        working_days=sorted(days),
        tz=timezone(zone),
    )
    rules = Rules([rule])
    begin = start.replace(tzinfo=UTC)
    due = add_working_time(calendar, begin, seconds)
    assert due == begin + BusinessTimeDelta(rules, seconds=seconds)
    spent = rules.difference(begin, due).timedelta
    assert working_seconds_between(calendar, begin, due) == spent.total_seconds() == seconds
