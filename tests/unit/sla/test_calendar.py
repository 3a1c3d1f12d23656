"""Calendars: what holds on a date, what is refused, which years are known."""

import dataclasses
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from answerby.domain.errors import CalendarYearMissing, TimeOutOfRange
from answerby.sla.business_time import add_working_time, touches_provisional, working_seconds_between
from answerby.sla.calendar import ALWAYS, Calendar

H = 3600
NINE_TO_FIVE = [(9 * H, 17 * H)]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def office(**given: object) -> Calendar:
    settings: dict[str, object] = {"timezone": "Asia/Shanghai", "weekly": dict.fromkeys(range(5), NINE_TO_FIVE)}
    return Calendar.build("office", **(settings | given))  # type: ignore[arg-type]


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def test_hours_are_local_and_half_open() -> None:
    calendar = office()
    assert not calendar.is_working(local(2026, 3, 2, 8, 59))
    assert calendar.is_working(datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert calendar.is_working(local(2026, 3, 2, 16, 59))
    assert not calendar.is_working(local(2026, 3, 2, 17))
    assert not calendar.is_working(local(2026, 3, 7, 12))


def test_always_is_open() -> None:
    assert ALWAYS.is_working(local(2026, 1, 1))
    assert ALWAYS.continuous


def test_a_make_up_day_has_mondays_hours_unless_another_day_is_named() -> None:
    saturday = local(2026, 2, 28, 8)
    weekly = {0: NINE_TO_FIVE, 4: [(8 * H, 12 * H)]}
    assert not office(weekly=weekly, extra_workdays=[date(2026, 2, 28)]).is_working(saturday)
    assert office(weekly=weekly, extra_workdays={date(2026, 2, 28): 4}).is_working(saturday)


def test_a_make_up_day_beats_a_holiday_and_an_override_beats_both() -> None:
    day = date(2026, 5, 1)
    noon = local(2026, 5, 1, 12)
    assert not office(annual_holidays=["05-01"]).is_working(noon)
    assert not office(holidays={day: "劳动节"}).is_working(noon)
    assert office(holidays=[day], extra_workdays=[day]).is_working(noon)
    assert not office(holidays=[day], extra_workdays=[day], overrides={day: []}).is_working(noon)
    assert office(holidays=[day], overrides={day: NINE_TO_FIVE}).is_working(noon)


def test_breaks_are_cut_out_of_whatever_holds() -> None:
    day = date(2026, 3, 2)
    calendar = office(overrides={day: [(10 * H, 15 * H)]}, breaks={day: [(9 * H, 11 * H), (12 * H, 13 * H)]})
    assert calendar.intervals_on(day) == ((11 * H, 12 * H), (13 * H, 15 * H))


def test_a_break_can_close_a_day() -> None:
    day = date(2026, 3, 2)
    assert office(breaks={day: [(0, 24 * H)]}).intervals_on(day) == ()


def test_the_name_of_the_holiday_that_closes_a_day() -> None:
    calendar = office(holidays={date(2026, 10, 1): "国庆节"}, annual_holidays={"01-01": "元旦"})
    assert calendar.holiday_on(date(2026, 10, 1)) == "国庆节"
    assert calendar.holiday_on(date(2026, 1, 1)) == "元旦"
    assert calendar.holiday_on(date(2026, 1, 2)) is None
    worked = office(holidays=[date(2026, 10, 1)], extra_workdays=[date(2026, 10, 1)])
    assert worked.holiday_on(date(2026, 10, 1)) is None


def test_the_leap_day_may_be_an_annual_holiday() -> None:
    calendar = office(annual_holidays=["02-29"])
    assert not calendar.is_working(local(2024, 2, 29, 12))
    assert calendar.is_working(local(2027, 3, 1, 12))


def test_touching_intervals_are_joined_in_any_order() -> None:
    assert office(weekly={0: [(12 * H, 13 * H), (9 * H, 12 * H)]}).weekly[0] == ((9 * H, 13 * H),)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"weekly": {7: NINE_TO_FIVE}}, "weekday 7"),
        ({"weekly": {0: [(9 * H, 12 * H), (11 * H, 13 * H)]}}, "Monday: 11:00-13:00 overlaps"),
        ({"weekly": {0: [(22 * H, 6 * H)]}}, "22:00-06:00 is no interval"),
        ({"weekly": {0: [(9 * H, 9 * H)]}}, "09:00-09:00 is no interval"),
        ({"weekly": {0: [(9 * H, 25 * H)]}}, "09:00-25:00 is no interval"),
        ({"overrides": {date(2026, 1, 2): [(5, 5)]}}, "overrides of 2026-01-02"),
        ({"breaks": {date(2026, 1, 2): [(-1, 5)]}}, "breaks of 2026-01-02"),
        ({"weekly": {}}, "no working time at all"),
        ({"timezone": "Mars/Olympus"}, "time zone 'Mars/Olympus' is unknown"),
        ({"timezone": "../../etc/passwd"}, "is unknown"),
        ({"timezone": ""}, "is unknown"),
        ({"annual_holidays": ["13-01"]}, "annual holiday '13-01'"),
        ({"annual_holidays": ["1-1"]}, "annual holiday '1-1'"),
        ({"extra_workdays": {date(2026, 1, 4): 9}}, "weekday 9"),
        ({"extra_workdays": {date(2026, 1, 4): 6}}, "hours of Sunday, which has none"),
    ],
)
def test_nonsense_is_refused_by_name(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"^calendar office: ") as refused:
        office(**given)
    assert said in str(refused.value)


def test_a_missing_year_is_an_error_that_names_calendar_and_year() -> None:
    calendar = office(years=[2025, 2026])
    with pytest.raises(CalendarYearMissing) as missing:
        add_working_time(calendar, local(2026, 12, 31, 16), 2 * H)
    assert missing.value.metadata == {"calendar": "office", "year": "2027"}
    assert "office" in missing.value.message
    assert "2027" in missing.value.message
    with pytest.raises(CalendarYearMissing):
        calendar.is_working(local(2024, 12, 31, 12))
    with pytest.raises(CalendarYearMissing):
        working_seconds_between(calendar, local(2024, 12, 31), local(2025, 1, 2))


def test_a_year_is_only_missing_when_it_is_needed() -> None:
    calendar = office(years=[2026])
    new_year = local(2027, 1, 1)
    assert add_working_time(calendar, local(2026, 12, 31, 16), H) == local(2026, 12, 31, 17)
    assert working_seconds_between(calendar, local(2026, 12, 31), new_year) == 8 * H
    with pytest.raises(CalendarYearMissing):
        add_working_time(calendar, local(2026, 12, 31, 16), H, "next_open")


def test_the_year_is_the_local_one() -> None:
    calendar = office(years=[2027], weekly={4: [(0, 24 * H)]})
    assert calendar.is_working(datetime(2026, 12, 31, 17, tzinfo=UTC))


def test_provisional_years_count_and_are_reported() -> None:
    calendar = office(years=[2026], provisional_years=[2027])
    due = add_working_time(calendar, local(2026, 12, 31, 16), 2 * H)
    assert due == local(2027, 1, 1, 10)
    assert touches_provisional(calendar, local(2026, 12, 31, 16), due) == (2027,)
    assert not touches_provisional(calendar, local(2026, 12, 30), local(2026, 12, 31, 23, 59))


def test_a_calendar_without_yearly_data_knows_every_year() -> None:
    assert office().is_working(local(2999, 1, 1, 12))


def test_open_ended_knows_every_year_and_keeps_the_rest() -> None:
    calendar = office(years=[2026], holidays=[date(2026, 1, 1)])
    open_ended = calendar.open_ended()
    assert open_ended.is_working(local(2031, 1, 1, 12))
    assert not open_ended.is_working(local(2026, 1, 1, 12))
    assert calendar.open_ended() is open_ended
    assert open_ended.open_ended() is open_ended


def test_a_calendar_is_a_value() -> None:
    given = {date(2026, 1, 1): "元旦"}
    one, other = office(holidays=given), office(holidays={date(2026, 1, 1): "元旦"})
    one.is_working(local(2026, 3, 2, 12))
    assert one == other
    assert hash(one) == hash(other)
    assert one != office()
    given[date(2026, 3, 2)] = "later"
    assert one == other
    with pytest.raises(TypeError):
        one.holidays[date(2026, 3, 2)] = "later"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.timezone = "UTC"  # type: ignore[misc]


@pytest.mark.parametrize("instant", [datetime(9999, 12, 31, 23, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_refused(instant: datetime) -> None:
    with pytest.raises(TimeOutOfRange):
        office().is_working(instant)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(TypeError):
        office().is_working(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test
