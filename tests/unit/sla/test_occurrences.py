"""When schedules come: around the holidays and make-up days of China, at month ends, across daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from answerby.domain.schedule import Audience, Every, OnHoliday, Schedule
from answerby.rules.loader import load_rulebook
from answerby.sla.calendar import Calendar
from answerby.sla.occurrences import next_occurrence, occurrences
from tests.kit.places import RULES

CHINA = load_rulebook(RULES).rulebook.calendars["cn-business"]
OFFICE = {day: [(9 * 3600, 18 * 3600)] for day in range(5)}
NEW_YORK = Calendar.build("ny", "America/New_York", {day: [(0, 86400)] for day in range(7)})
BERLIN = Calendar.build("berlin", "Europe/Berlin", {day: [(0, 86400)] for day in range(7)})


def schedule(every, at="09:00", on_holiday=OnHoliday.SKIP, **more):
    hour, minute = at.split(":")
    return Schedule(
        id="s",
        every=Every(every),
        at=int(hour) * 3600 + int(minute) * 60,
        calendar="c",
        on_holiday=OnHoliday(on_holiday),
        audience=Audience.TENANT,
        **more,
    )


def days(wanted, calendar, first, last):
    """The local dates on which it comes, from the first moment of `first` to the last of `last`."""
    after = datetime.fromisoformat(f"{first}T00:00").replace(tzinfo=calendar.zone) - timedelta(microseconds=1)
    until = datetime.fromisoformat(f"{last}T00:00").replace(tzinfo=calendar.zone) + timedelta(days=1, microseconds=-1)
    return [str(item.day) for item in occurrences(wanted, calendar, after, until)]


def test_every_working_day_leaves_out_spring_festival_and_takes_its_make_up_days():
    # 2026: closed from Mon 16 to Mon 23 February; Saturdays 14 and 28 February are worked.
    assert days(schedule("day"), CHINA, "2026-02-12", "2026-03-02") == [
        *("2026-02-12", "2026-02-13", "2026-02-14"),
        *("2026-02-24", "2026-02-25", "2026-02-26", "2026-02-27", "2026-02-28", "2026-03-02"),
    ]


@pytest.mark.parametrize(
    ("on_holiday", "expected"),
    [
        ("skip", ["2026-02-09", "2026-03-02"]),
        # Mon 16 -> Sat 14 February, a make-up day; Mon 23 -> also the 14th, which is one occurrence.
        ("previous_working_day", ["2026-02-09", "2026-02-14", "2026-03-02"]),
        # Both -> Tue 24 February.
        ("next_working_day", ["2026-02-09", "2026-02-24", "2026-03-02"]),
        ("same_day", ["2026-02-09", "2026-02-16", "2026-02-23", "2026-03-02"]),
    ],
)
def test_a_weekly_one_on_mondays_around_spring_festival(on_holiday, expected):
    weekly = schedule("week", on_holiday=on_holiday, weekdays=(0,))

    assert days(weekly, CHINA, "2026-02-09", "2026-03-02") == expected


def test_several_weekdays_that_move_onto_each_other_are_one():
    # Thu 1, Fri 2 October 2026 are holidays until the 7th; Thu 8 is worked.
    weekly = schedule("week", on_holiday="next_working_day", weekdays=(3, 4))

    assert days(weekly, CHINA, "2026-09-24", "2026-10-09") == [
        *("2026-09-24", "2026-09-28"),  # Fri 25 September is Mid-Autumn, Mon 28 follows
        *("2026-10-08", "2026-10-09"),
    ]


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        # By the 5th: Mon 5 Jan; Thu 5 Feb; Thu 5 Mar; Fri 3 Apr (Sun 5 and Mon 6 are holidays, Sat 4 is free);
        # Thu 30 Apr (1-5 May closed); Fri 5 Jun; Fri 3 Jul; Wed 5 Aug; Fri 4 Sep; Wed 30 Sep (1-7 Oct closed);
        # Thu 5 Nov; Fri 4 Dec.
        (
            2026,
            [
                *("2026-01-05", "2026-02-05", "2026-03-05", "2026-04-03", "2026-04-30", "2026-06-05"),
                *("2026-07-03", "2026-08-05", "2026-09-04", "2026-09-30", "2026-11-05", "2026-12-04"),
            ],
        ),
    ],
)
def test_a_report_by_the_fifth_of_every_month(year, expected):
    monthly = schedule("month", on_holiday="previous_working_day", day=5)

    assert days(monthly, CHINA, f"{year}-01-01", f"{year}-12-31") == expected


def test_a_report_on_the_fifth_or_after():
    monthly = schedule("month", on_holiday="next_working_day", day=5)

    assert days(monthly, CHINA, "2026-04-01", "2026-05-31") == ["2026-04-07", "2026-05-06"]
    assert days(monthly, CHINA, "2026-10-01", "2026-10-31") == ["2026-10-08"]


def test_what_a_moved_date_stands_for():
    monthly = schedule("month", on_holiday="previous_working_day", day=5)

    found = next_occurrence(monthly, CHINA, datetime(2026, 9, 10, tzinfo=UTC))

    assert found == (datetime(2026, 9, 30, 1, tzinfo=UTC), date(2026, 9, 30), date(2026, 10, 5))


def test_the_last_day_of_every_month():
    everyday = Calendar.build("c", "UTC", {day: [(0, 86400)] for day in range(7)})

    assert days(schedule("month", day=31), everyday, "2027-12-31", "2028-04-30") == [
        *("2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"),
    ]
    assert days(schedule("month", day=30), everyday, "2027-02-01", "2027-03-31") == ["2027-02-28", "2027-03-30"]


def test_new_year_is_moved_across_the_year():
    monthly = schedule("month", on_holiday="previous_working_day", day=1)

    # 1 January is a holiday, 1 February a Sunday.
    assert days(monthly, CHINA, "2025-12-01", "2026-01-31") == ["2025-12-01", "2025-12-31", "2026-01-30"]


@pytest.mark.parametrize(
    ("calendar", "at", "first", "last", "expected"),
    [
        # 2026-03-08 02:00 -> 03:00 in New York: 02:30 does not exist and counts as 03:30 EDT.
        (
            NEW_YORK,
            "02:30",
            "2026-03-07",
            "2026-03-09",
            ["2026-03-07T07:30+00:00", "2026-03-08T07:30+00:00", "2026-03-09T06:30+00:00"],
        ),
        # 2026-11-01 01:30 comes twice; the first is EDT.
        (NEW_YORK, "01:30", "2026-11-01", "2026-11-02", ["2026-11-01T05:30+00:00", "2026-11-02T06:30+00:00"]),
        # 09:00 in Berlin stays 09:00 on the wall: 08:00 UTC in winter, 07:00 in summer.
        (BERLIN, "09:00", "2026-03-28", "2026-03-30", ["2026-03-28T08:00+00:00", "2026-03-29T07:00+00:00"]),
    ],
)
def test_local_times_across_daylight_saving(calendar, at, first, last, expected):
    after = datetime.fromisoformat(f"{first}T00:00").replace(tzinfo=calendar.zone)
    until = datetime.fromisoformat(f"{last}T00:00").replace(tzinfo=calendar.zone) + timedelta(days=1)

    found = occurrences(schedule("day", at=at), calendar, after, until)

    assert [item.time for item in found][: len(expected)] == [datetime.fromisoformat(text) for text in expected]


def test_after_is_left_out_and_until_taken_in():
    nine = datetime(2026, 3, 2, 1, tzinfo=UTC)
    day = timedelta(days=1)

    assert [item.time for item in occurrences(schedule("day"), CHINA, nine, nine + day)] == [nine + day]
    assert occurrences(schedule("day"), CHINA, nine, nine) == []


def test_a_year_without_data_is_taken_by_the_week():
    narrow = Calendar.build("c", "UTC", OFFICE, years=[2026], holidays={date(2026, 12, 31): ""})

    assert days(schedule("day"), narrow, "2026-12-30", "2027-01-05") == [
        *("2026-12-30", "2027-01-01", "2027-01-04", "2027-01-05"),
    ]


def test_next_occurrences_one_after_another_are_all_of_them():
    wanted = schedule("week", on_holiday="next_working_day", weekdays=(0, 4))
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    found, at = [], start
    while (item := next_occurrence(wanted, CHINA, at)) is not None and item.time <= end:
        found.append(item)
        at = item.time

    assert found == occurrences(wanted, CHINA, start, end)
    assert all(CHINA.is_working(item.time) for item in found)


def test_there_is_no_next_one_where_nothing_is_worked():
    closed = Calendar.build("c", "UTC", {}, overrides={date(2020, 1, 1): [(0, 3600)]})

    assert next_occurrence(schedule("day"), closed, datetime(2026, 1, 1, tzinfo=UTC)) is None
