"""The ledger of a clock: spans that add up, days skipped and why, who had the ball."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.clock import ClockPhase, ClockState, Target
from answerby.domain.request import RequestStatus
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.clocks import used_seconds
from answerby.sla.ledger import Day, Holder, Reason, Span, days, shares, spans

H = 3600
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
OFFICE = Calendar.build(
    "office",
    weekly=dict.fromkeys(range(5), ((9 * H, 12 * H), (13 * H, 18 * H))),
    holidays={date(2026, 3, 4): "Founders' Day"},
    overrides={date(2026, 3, 5): ()},
    extra_workdays={date(2026, 3, 7): 0},
)
CALENDARS = {"office": OFFICE, "always": ALWAYS}


def at(hour: float, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour)


def clock(started: datetime, **more: object) -> ClockState:
    target = Target(8 * H, calendar="office")
    known = {"name": "c", "phase": ClockPhase.RUNNING, "target": target, "started": started}
    return ClockState(**{**known, **more})  # type: ignore[arg-type]


def test_a_day_is_told_in_whole_spans() -> None:
    assert spans(OFFICE, clock(at(8)), at(19)) == [
        Span(at(8), at(9), Holder.CLOSED, Reason.OUTSIDE_HOURS),
        Span(at(9), at(12), Holder.TEAM, Reason.WORKING),
        Span(at(12), at(13), Holder.CLOSED, Reason.OUTSIDE_HOURS),
        Span(at(13), at(18), Holder.TEAM, Reason.WORKING),
        Span(at(18), at(19), Holder.CLOSED, Reason.OUTSIDE_HOURS),
    ]


def test_days_say_what_counted_and_why_not() -> None:
    assert days(OFFICE, clock(at(17, 1)), at(10, 7)) == [
        Day(date(2026, 3, 3), 1 * H, Reason.WORKING),
        Day(date(2026, 3, 4), 0, Reason.HOLIDAY, "Founders' Day"),
        Day(date(2026, 3, 5), 0, Reason.OVERRIDE),
        Day(date(2026, 3, 6), 8 * H, Reason.WORKING),
        Day(date(2026, 3, 7), 8 * H, Reason.MAKE_UP_DAY),
        Day(date(2026, 3, 8), 0, Reason.FREE_DAY, "Sunday"),
        Day(date(2026, 3, 9), 1 * H, Reason.WORKING),
    ]


def test_a_pause_belongs_to_whom_the_request_waited_for() -> None:
    """From 10:00 on hold, from 11:00 blocked, from 14:00 at work again."""
    statuses = [
        (at(9), RequestStatus.OPEN),
        (at(10), RequestStatus.ON_HOLD),
        (at(11), RequestStatus.BLOCKED),
        (at(14), RequestStatus.OPEN),
    ]
    told = spans(OFFICE, clock(at(9), pauses=[(at(10), at(14))]), at(15), statuses)
    assert [(s.holder, s.seconds / H, s.note) for s in told] == [
        (Holder.TEAM, 1, ""),
        (Holder.CUSTOMER, 1, "on_hold"),
        (Holder.SUPPLIER, 1, "blocked"),
        (Holder.CLOSED, 1, ""),
        (Holder.SUPPLIER, 1, "blocked"),
        (Holder.TEAM, 1, ""),
    ]
    assert shares(told) == {Holder.TEAM: 2 * H, Holder.CUSTOMER: H, Holder.SUPPLIER: 2 * H, Holder.CLOSED: H}


def test_a_pause_that_lasts_and_whose_reason_is_not_known() -> None:
    told = spans(OFFICE, clock(at(9), phase=ClockPhase.PAUSED, paused_since=at(10)), at(11))
    assert told[-1] == Span(at(10), at(11), Holder.PAUSED, Reason.PAUSED)


def test_around_the_clock_there_is_nothing_to_skip() -> None:
    assert spans(ALWAYS, clock(at(0)), at(0, 40)) == [Span(at(0), at(0, 40), Holder.TEAM, Reason.WORKING)]


def test_a_finished_clock_is_told_to_its_end() -> None:
    assert spans(OFFICE, clock(at(9), stopped=at(10)), at(18))[-1].end == at(10)


NEW_YORK = Calendar.build("office", "America/New_York", dict.fromkeys(range(7), ((1 * H, 4 * H), (20 * H, 24 * H))))
MOMENTS = st.integers(0, 60 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


@given(st.sampled_from([OFFICE, NEW_YORK]), st.lists(MOMENTS, min_size=6, max_size=6, unique=True))
def test_the_spans_add_up_and_the_team_has_what_the_clock_used(calendar: Calendar, moments: list[datetime]) -> None:
    start, paused, resumed, paused_again, resumed_again, end = sorted(moments)
    life = clock(start, pauses=[(paused, resumed), (paused_again, resumed_again)])
    told = spans(calendar, life, end)
    assert told[0].start == start
    assert told[-1].end == end
    assert all(before.end == after.start for before, after in itertools.pairwise(told))
    assert sum(shares(told).values()) == (end - start).total_seconds()
    assert shares(told).get(Holder.TEAM, 0) == used_seconds({"office": calendar}, life, end)
    assert sum(day.counted for day in days(calendar, life, end)) == shares(told).get(Holder.TEAM, 0)
