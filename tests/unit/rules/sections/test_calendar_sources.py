"""Calendars that take holidays from a country or an iCalendar file, that hold ranges, or lie within each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from answerby.rules.loader import LoadResult, load_texts
from answerby.rules.text.rule_folder import RuleText
from answerby.sla.business_time import add_working_days, add_working_time, working_seconds_between
from answerby.sla.calendar import Calendar

BASE = {
    "rulebook.yaml": "rulebook: {stages: {sla: {on_error: {sla.c: 1h}}}}",
    "fields.yaml": "fields: {channel: {type: enum, values: [web]}}",
    "clocks.yaml": "clocks: [{id: c, because: x, stop: [request.replied]}]",
    "sla.yaml": "stage: sla\nrules: [{id: r, because: x, then: {sla.c: 1h}}]",
}
FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//office//EN
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20161111
DTEND;VALUE=DATE:20161112
SUMMARY:St. Martin
END:VEVENT
BEGIN:VEVENT
UID:2
DTSTART;VALUE=DATE:20151223
DTEND;VALUE=DATE:20160104
SUMMARY:Winter closing
END:VEVENT
BEGIN:VEVENT
UID:3
DTSTART;VALUE=DATE:19900501
RRULE:FREQ=YEARLY
SUMMARY:Labour Day
END:VEVENT
BEGIN:VEVENT
UID:4
DTSTART:20160601T120000Z
DTEND:20160601T130000Z
SUMMARY:Lunch
END:VEVENT
END:VCALENDAR
"""


def load(files: Mapping[str, str]) -> LoadResult:
    return load_texts([RuleText(path, text, "") for path, text in {**BASE, **files}.items()])


def calendar(text: str, **files: str) -> Calendar:
    result = load({"c.yaml": text, **{name.replace("_", "."): content for name, content in files.items()}})
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return result.rulebook.calendars["cal"]


def test_public_holidays_of_a_state() -> None:
    """Massachusetts keeps Patriots' Day, the third Monday of April, beside the federal holidays."""
    found = calendar(
        "calendar: {id: cal, timezone: America/New_York, weekly: {mon-fri: ['08:30-17:00']}, years: [2015],"
        " holidays_from: [{country: US, subdivision: MA}]}"
    )
    days = {day: name for day, name in found.holidays.items() if day.month in (1, 4, 7)}
    assert days == {
        date(2015, 1, 1): "New Year's Day",
        date(2015, 1, 19): "Martin Luther King Jr. Day",
        date(2015, 4, 20): "Patriots' Day",
        date(2015, 7, 4): "Independence Day",
    }


def test_make_up_days_of_china_as_published_for_2025() -> None:
    """State Council notice for 2025: work on 26 January, 8 February, 27 April, 28 September and 11 October."""
    found = calendar(
        "calendar: {id: cal, timezone: Asia/Shanghai, weekly: {mon-fri: ['09:00-18:00']}, years: [2025],"
        " holidays_from: [{country: CN}]}"
    )
    assert sorted(found.extra_workdays) == [
        date(2025, 1, 26),
        date(2025, 2, 8),
        date(2025, 4, 27),
        date(2025, 9, 28),
        date(2025, 10, 11),
    ]
    # The 4th and 5th of October are a weekend, on which these hours are closed anyway.
    assert [day.day for day in sorted(found.holidays) if day.month == 10] == [1, 2, 3, 6, 7, 8]


def test_what_the_file_says_counts_more_than_what_it_takes() -> None:
    found = calendar(
        "calendar: {id: cal, timezone: UTC, weekly: {mon-fri: ['09:00-17:00']}, years: [2025],"
        " extra_workdays: {2025-01-20: mon}, holidays: {2025-01-21: Own day},"
        " holidays_from: [{country: US, without: [Columbus Day]}]}"
    )
    # Martin Luther King Jr. Day was 20 January 2025, Columbus Day 13 October.
    assert date(2025, 1, 20) not in found.holidays
    assert found.intervals_on(date(2025, 1, 20)) == ((9 * 3600, 17 * 3600),)
    assert found.holiday_on(date(2025, 1, 21)) == "Own day"
    assert found.holiday_on(date(2025, 10, 13)) is None


def test_an_icalendar_file_gives_whole_days_ranges_and_yearly_days() -> None:
    found = calendar(
        "calendar: {id: cal, timezone: Europe/Berlin, weekly: {daily: ['09:00-21:00']}, years: [2016, 2017],"
        " holidays_from: [{ics: feed.ics}]}",
        feed_ics=FEED,
    )
    assert dict(found.holidays) == {
        date(2016, 1, 1): "Winter closing",
        date(2016, 1, 2): "Winter closing",
        date(2016, 1, 3): "Winter closing",
        date(2016, 5, 1): "Labour Day",
        date(2016, 11, 11): "St. Martin",
        date(2017, 5, 1): "Labour Day",
    }


def test_the_content_of_the_feed_is_part_of_the_revision() -> None:
    text = "calendar: {id: cal, timezone: UTC, weekly: {daily: ['09:00-21:00']}, years: [2016], holidays_from: {ics: f.ics}}"
    revisions = set()
    for feed in (FEED, FEED.replace("20161111", "20161110"), FEED.replace("\n", "\r\n")):
        rulebook = load({"c.yaml": text, "f.ics": feed}).rulebook
        assert rulebook is not None
        assert [file.path for file in rulebook.files if file.path.endswith(".ics")] == ["f.ics"]
        revisions.add(rulebook.revision)
    assert len(revisions) == 2, "another day is another revision, another line end is not"


def test_working_time_within_two_calendars_of_different_zones() -> None:
    """Berlin works 09-17, New York 09-17: both do from 15:00 to 17:00 Berlin time, 14:00 to 17:00 in the weeks when
    the United States have summer time already and Europe has not (8 to 29 March 2026).
    """
    found = calendar(
        "calendar: {id: cal, timezone: Europe/Berlin, weekly: {mon-fri: ['09:00-17:00']}, within: [york]}",
        york_yaml="calendar: {id: york, timezone: America/New_York, weekly: {mon-fri: ['09:00-17:00']},"
        " holidays: {2026-03-03: closed}}",
    )
    berlin = ZoneInfo("Europe/Berlin")
    monday = datetime(2026, 3, 2, tzinfo=berlin)
    assert working_seconds_between(found, monday, monday + timedelta(days=1)) == 2 * 3600
    assert working_seconds_between(found, monday + timedelta(days=1), monday + timedelta(days=2)) == 0
    assert working_seconds_between(found, monday + timedelta(days=7), monday + timedelta(days=8)) == 3 * 3600
    due = add_working_time(found, monday, 3 * 3600)
    assert due == datetime(2026, 3, 4, 15, tzinfo=UTC)
    assert add_working_days(found, monday, 1).astimezone(berlin).date() == date(2026, 3, 4)


@pytest.mark.parametrize(
    "ics", ["", "nonsense", "BEGIN:VCALENDAR", FEED.replace("DTSTART;VALUE=DATE:2016", "DTSTART:x")]
)
def test_a_file_that_is_no_calendar_is_an_error_never_an_empty_list(ics: str) -> None:
    text = "calendar: {id: cal, timezone: UTC, weekly: {daily: ['09:00-21:00']}, years: [2016], holidays_from: {ics: f.ics}}"
    result = load({"c.yaml": text, "f.ics": ics})
    assert result.rulebook is None
    assert [d.code for d in result.diagnostics if d.severity == "error"] == ["ics-file"]


@pytest.mark.parametrize("rule", ["FREQ=SECONDLY", "FREQ=HOURLY;COUNT=5", "freq=daily;byhour=1,2"])
def test_a_feed_that_repeats_within_a_day_is_refused_at_once(rule: str) -> None:
    text = "calendar: {id: cal, timezone: UTC, weekly: {daily: ['09:00-21:00']}, years: [2016], holidays_from: {ics: f.ics}}"
    result = load({"c.yaml": text, "f.ics": FEED.replace("DTSTART", f"RRULE:{rule}\nDTSTART", 1)})
    assert [(d.code, "within a day" in d.message) for d in result.diagnostics if d.severity == "error"] == [
        ("ics-file", True)
    ]
