"""Working-time arithmetic where it is easy to get wrong: clock changes, boundaries, days, far ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from answerby.domain.errors import TargetOutOfReach, TimeOutOfRange
from answerby.sla.business_time import (
    add_working_days,
    add_working_time,
    next_opening,
    working_days_from,
    working_periods,
    working_seconds_between,
)
from answerby.sla.calendar import ALWAYS, Calendar

H = 3600
EVERY_DAY = range(7)


def daily(zone: str, *hours: tuple[int, int]) -> Calendar:
    return Calendar.build("daily", zone, dict.fromkeys(EVERY_DAY, hours))


def periods(calendar: Calendar, day: str) -> list[tuple[str, str]]:
    """The UTC periods of one local day, as HH:MM."""
    start = datetime.fromisoformat(day).replace(tzinfo=calendar.zone)
    found = working_periods(calendar, start, start + timedelta(days=1))
    return [(f"{opens:%dT%H:%M}", f"{closes:%dT%H:%M}") for opens, closes in found]


# New York: 2026-03-08 02:00 -05:00 becomes 03:00 -04:00; 2026-11-01 02:00 -04:00 becomes 01:00 -05:00.


def test_a_skipped_opening_is_later_by_the_gap() -> None:
    assert periods(daily("America/New_York", (2 * H + 1800, 6 * H)), "2026-03-08") == [("08T07:30", "08T10:00")]


def test_hours_that_are_skipped_altogether_disappear() -> None:
    assert periods(daily("America/New_York", (2 * H + 1800, 3 * H + 900)), "2026-03-08") == []


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", (2 * H + 600, 2 * H + 3000)),
        ("Europe/Berlin", "2026-03-29", (2 * H, 2 * H + 1)),
        ("Europe/Berlin", "2026-03-29", (2 * H + 600, 3 * H)),
        ("America/Sao_Paulo", "2015-10-18", (0, 1800)),
        ("Australia/Lord_Howe", "2026-10-04", (2 * H + 300, 2 * H + 1200)),
    ],
)
def test_hours_that_lie_in_the_gap_disappear(zone: str, day: str, hours: tuple[int, int]) -> None:
    assert periods(daily(zone, hours), day) == []


def test_an_edge_in_the_gap_is_later_by_it_and_other_hours_of_the_day_stay() -> None:
    calendar = daily("Europe/Berlin", (H, 2 * H + 1800), (2 * H + 2400, 2 * H + 3000), (4 * H, 5 * H))
    assert periods(calendar, "2026-03-29") == [("29T00:00", "29T01:30"), ("29T02:00", "29T03:00")]


def test_hours_around_the_gap_lose_it() -> None:
    calendar = daily("America/New_York", (H, 5 * H))
    assert periods(calendar, "2026-03-08") == [("08T06:00", "08T09:00")]


def test_intervals_never_overlap_where_a_closing_is_skipped() -> None:
    calendar = daily("America/New_York", (H, 2 * H + 1800), (3 * H, 4 * H))
    assert periods(calendar, "2026-03-08") == [("08T06:00", "08T07:30"), ("08T07:30", "08T08:00")]


def test_an_ambiguous_time_is_its_first_occurrence() -> None:
    calendar = daily("America/New_York", (H + 1800, 6 * H))
    assert periods(calendar, "2026-11-01") == [("01T05:30", "01T11:00")]
    assert periods(daily("America/New_York", (H, H + 1800)), "2026-11-01") == [("01T05:00", "01T05:30")]


def test_a_change_of_half_an_hour() -> None:
    # Lord Howe: 2026-04-05 02:00 +11:00 becomes 01:30 +10:30; 2026-10-04 02:00 +10:30 becomes 02:30 +11:00.
    calendar = daily("Australia/Lord_Howe", (0, 24 * H))
    assert sum_of_day(calendar, "2026-04-05") == 24.5 * H
    assert sum_of_day(calendar, "2026-10-04") == 23.5 * H
    late = daily("Australia/Lord_Howe", (2 * H + 900, 3 * H))
    assert periods(late, "2026-10-04") == [("03T15:45", "03T16:00")]


def test_a_day_that_a_zone_left_out_has_no_hours() -> None:
    # Apia went from Thursday 2011-12-29 to Saturday 2011-12-31.
    calendar = Calendar.build("apia", "Pacific/Apia", dict.fromkeys(range(5), ((9 * H, 17 * H),)))
    thursday = datetime(2011, 12, 29, 16, tzinfo=calendar.zone)
    monday = datetime(2012, 1, 2, 10, tzinfo=calendar.zone)
    assert add_working_time(calendar, thursday, 2 * H) == monday
    assert add_working_days(calendar, thursday, 1) == datetime(2012, 1, 2, 16, tzinfo=calendar.zone)
    assert working_seconds_between(calendar, thursday, monday) == 2 * H


def test_a_day_without_midnight() -> None:
    # São Paulo: 2015-10-18 00:00 -03:00 becomes 01:00 -02:00.
    calendar = daily("America/Sao_Paulo", (0, 24 * H))
    assert sum_of_day(calendar, "2015-10-18") == 23 * H
    assert sum_of_day(calendar, "2015-10-17") == 24 * H
    assert periods(daily("America/Sao_Paulo", (0, 2 * H)), "2015-10-18") == [("18T03:00", "18T04:00")]


def sum_of_day(calendar: Calendar, day: str) -> float:
    start = datetime.fromisoformat(day).replace(tzinfo=calendar.zone)
    end = (start + timedelta(days=1)).astimezone(UTC)
    return working_seconds_between(calendar, start, end)


OFFICE = Calendar.build(
    "office",
    "UTC",
    dict.fromkeys(
        range(5),
        (
            (9 * H, 12 * H),
            (13 * H, 17 * H),
        ),
    ),
)
FRIDAY = date(2026, 3, 6)


def at(hour: float, day: int = 0) -> datetime:
    """`day` counts from Friday."""
    return datetime(2026, 3, 6, tzinfo=UTC) + timedelta(days=day, hours=hour)


@pytest.mark.parametrize(
    ("hours", "close", "next_open"),
    [
        (1, at(12), at(13)),
        (2, at(14), at(14)),
        (5, at(17), at(9, 3)),
        (5.5, at(9.5, 3), at(9.5, 3)),
        (12, at(17, 3), at(9, 4)),
    ],
)
def test_used_up_at_closing(hours: float, close: datetime, next_open: datetime) -> None:
    assert add_working_time(OFFICE, at(11), int(hours * H)) == close
    assert add_working_time(OFFICE, at(11), int(hours * H), "next_open") == next_open


def test_nothing_to_add() -> None:
    assert add_working_time(OFFICE, at(20), 0) == at(20)
    assert add_working_time(OFFICE, at(20), 0, "next_open") == at(9, 3)
    assert add_working_time(OFFICE, at(10), 0, "next_open") == at(10)
    assert next_opening(OFFICE, at(12)) == at(13)
    assert next_opening(ALWAYS, at(12)) == at(12)


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        (at(11, 3), 1, at(10, 3)),
        (at(11, 3), 2, at(9, 3)),
        (at(11, 3), 3, at(16)),
        (at(3, 2), 1, at(16)),
        (at(3, 2), 7, at(9)),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), 2, datetime(2025, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_counting_back(start: datetime, hours: int, expected: datetime) -> None:
    assert add_working_time(OFFICE, start, -hours * H) == expected


def test_microseconds_are_kept() -> None:
    start = at(16, 0).replace(microsecond=123_457)
    assert add_working_time(OFFICE, start, H) == at(9, 3).replace(microsecond=123_457)
    assert working_seconds_between(OFFICE, start, at(17)) == 3599.876543


def test_working_days_keep_the_local_time_over_a_clock_change() -> None:
    berlin = Calendar.build("berlin", "Europe/Berlin", dict.fromkeys(range(5), ((8 * H, 18 * H),)))
    zone = ZoneInfo("Europe/Berlin")
    friday = datetime(2026, 3, 27, 10, 30, 15, tzinfo=zone)
    assert add_working_days(berlin, friday, 1) == datetime(2026, 3, 30, 10, 30, 15, tzinfo=zone)
    assert add_working_days(berlin, friday, 1).hour == 8


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (at(10), 0, at(10)),
        (at(10), 1, at(10, 3)),
        (at(10), 5, at(10, 7)),
        (at(10, 1), 1, at(9, 4)),
        (at(12.5), 1, at(13, 3)),
        (at(17), 1, at(9, 4)),
        (at(10, 3), -1, at(10)),
    ],
)
def test_working_days(start: datetime, days: int, expected: datetime) -> None:
    assert add_working_days(OFFICE, start, days) == expected


@pytest.mark.parametrize(
    ("due", "days", "expected"),
    [
        (at(10), 1, at(10, 3)),
        (at(17), 1, at(17, 3)),  # closing on Friday: closing on Monday
        (at(17), 2, at(17, 4)),
        (at(17), -1, at(17, -1)),
        (at(12), 1, at(12, 3)),  # the closing before the break at noon
        (at(13), 1, at(13, 3)),
        (at(15, 1), 1, at(9, 4)),  # a Saturday counts from Monday's opening, as what is received then does
        (at(15, 1), -1, at(9)),
        (at(20, 3), 1, at(9, 5)),  # Monday night counts from Tuesday's opening
        (at(20, 3), -1, at(9, 3)),
    ],
)
def test_working_days_from_a_due_time(due: datetime, days: int, expected: datetime) -> None:
    assert working_days_from(OFFICE, due, days) == expected


def test_working_days_from_closing_over_half_days_and_clock_changes() -> None:
    half_saturday = {**dict.fromkeys(range(5), ((9 * H, 17 * H),)), 5: ((9 * H, 12 * H),)}
    berlin = Calendar.build("berlin", "Europe/Berlin", half_saturday)
    zone = berlin.zone
    # Saturday has no work at 17:00: the next opening counts. The clock changes on Sunday, 29 March 2026.
    assert working_days_from(berlin, datetime(2026, 3, 27, 17, tzinfo=zone), 1) == datetime(2026, 3, 30, 9, tzinfo=zone)
    saturday_closes = datetime(2026, 3, 28, 12, tzinfo=zone)
    assert working_days_from(berlin, saturday_closes, 1) == datetime(2026, 3, 30, 12, tzinfo=zone)
    assert working_days_from(berlin, datetime(2026, 3, 30, 17, tzinfo=zone), 1).hour == 15
    assert working_days_from(ALWAYS, at(20), 1) == at(20, 1)
    # A day that closes at midnight: Friday's 24:00 is Monday's 24:00, a working day later.
    nights = Calendar.build("nights", "UTC", dict.fromkeys(range(5), ((16 * H, 24 * H),)))
    assert working_days_from(nights, at(24), 1) == at(24, 3)
    assert working_days_from(nights, at(24, 3), -1) == at(24)


def test_working_days_cross_years_both_ways() -> None:
    start = datetime(2026, 12, 31, 10, tzinfo=UTC)
    assert add_working_days(OFFICE, start, 1) == datetime(2027, 1, 1, 10, tzinfo=UTC)
    assert add_working_days(OFFICE, start, 262) == datetime(2028, 1, 3, 10, tzinfo=UTC)
    assert add_working_days(OFFICE, datetime(2027, 1, 1, 10, tzinfo=UTC), -1) == start


def test_a_landing_outside_hours_moves_to_the_opening() -> None:
    short_monday = Calendar.build("short", "UTC", {0: [(11 * H, 14 * H)], 1: [(9 * H, 17 * H)], 4: [(9 * H, 17 * H)]})
    assert add_working_days(short_monday, at(10), 1) == at(11, 3)
    assert add_working_days(short_monday, at(16), 1) == at(9, 4)
    assert add_working_days(short_monday, at(14), 1) == at(14, 3)
    assert add_working_days(short_monday, at(14), 1, "next_open") == at(9, 4)


def test_working_days_and_midnight() -> None:
    zone = "Asia/Shanghai"
    round_the_clock = Calendar.build("desk", zone, dict.fromkeys(range(5), ((0, 86_400),)))
    friday_ends = datetime(2026, 3, 7, tzinfo=round_the_clock.zone)
    monday_ends = friday_ends + timedelta(days=3)
    # The midnight at which Monday ends is Monday's, and one working day before it Friday ends.
    assert add_working_days(round_the_clock, friday_ends, -1) == friday_ends - timedelta(days=1)
    tuesday_off = replace(round_the_clock, holidays={date(2026, 3, 10): ""})
    assert add_working_days(tuesday_off, monday_ends, -1) == friday_ends
    # The midnight at which a day begins is not the closing time of that day.
    late_tuesday = replace(round_the_clock, overrides={date(2026, 3, 10): ((9 * 3600, 18 * 3600),)})
    monday = monday_ends - timedelta(days=1)
    assert add_working_days(late_tuesday, monday, 1) == monday + timedelta(days=1, hours=9)


def test_make_up_days_are_working_dates() -> None:
    calendar = Calendar.build(
        "cn",
        "Asia/Shanghai",
        dict.fromkeys(range(5), ((9 * H, 18 * H),)),
        holidays=[date(2026, 2, 16 + n) for n in range(5)],
        extra_workdays=[date(2026, 2, 14), date(2026, 2, 28)],
    )
    start = datetime(2026, 2, 13, 15, tzinfo=calendar.zone)
    assert add_working_days(calendar, start, 1) == datetime(2026, 2, 14, 15, tzinfo=calendar.zone)
    assert add_working_days(calendar, start, 2) == datetime(2026, 2, 23, 15, tzinfo=calendar.zone)
    assert add_working_time(calendar, start, 13 * H) == datetime(2026, 2, 23, 10, tzinfo=calendar.zone)


def test_periods_are_cut_to_the_asked_time() -> None:
    assert list(working_periods(OFFICE, at(10), at(14))) == [(at(10), at(12)), (at(13), at(14))]
    assert list(working_periods(OFFICE, at(14), at(10))) == []


def test_periods_cross_new_year() -> None:
    night = daily("UTC", (0, 2 * H))
    start = datetime(2026, 12, 31, 1, tzinfo=UTC)
    assert list(working_periods(night, start, start + timedelta(days=1))) == [
        (start, start + timedelta(hours=1)),
        (start + timedelta(hours=23), start + timedelta(hours=24)),
    ]


@pytest.mark.parametrize("calendar", [OFFICE, ALWAYS])
def test_beyond_the_last_year(calendar: Calendar) -> None:
    with pytest.raises(TimeOutOfRange):
        add_working_time(calendar, datetime(9999, 12, 31, 23, tzinfo=UTC), 2 * H)


def test_a_target_of_decades_is_refused() -> None:
    # 35 hours a week: 15,000 hours are 3,000 days, 30,000 are over sixteen years.
    assert add_working_time(OFFICE, at(10), 15_000 * H).year == 2034
    with pytest.raises(TargetOutOfReach, match="more than 10 years"):
        add_working_time(OFFICE, at(10), 30_000 * H)
    with pytest.raises(TargetOutOfReach):
        add_working_time(OFFICE, at(10), -30_000 * H)
    with pytest.raises(TargetOutOfReach):
        add_working_days(OFFICE, at(10), 3_000)


def test_hours_that_never_meet_are_searched_once() -> None:
    day = Calendar.build("day", weekly=dict.fromkeys(range(5), ((9 * H, 17 * H),)))
    night = replace(Calendar.build("night", weekly=dict.fromkeys(range(5), ((18 * H, 23 * H),))), within=(day,))
    with pytest.raises(TargetOutOfReach, match="calendar night has too little working time"):
        add_working_time(night, at(10), H)
    tables = dict(night._tables)
    # The year of the start and ten more; the next decision finds them all.
    assert sorted(tables) == list(range(2026, 2037))
    with pytest.raises(TargetOutOfReach):
        next_opening(night, at(10, 30))
    assert all(night._tables[year] is table for year, table in tables.items())


def test_a_calendar_that_has_run_out_is_refused() -> None:
    fair = Calendar.build("fair", overrides={FRIDAY: [(9 * H, 17 * H)]})
    assert add_working_time(fair, at(10, -9), H) == at(10)
    with pytest.raises(TargetOutOfReach):
        add_working_time(fair, at(10, 1), H)
