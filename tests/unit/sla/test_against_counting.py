"""Random calendars against counting minute by minute: the only oracle for breaks, make-up days, days that never were,
working days and calendars within calendars, which other libraries do not have. `make test-deep` asks 50,000 questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from random import Random

import pytest

from service.domain.clock import Target
from service.sla.business_time import (
    add_working_days,
    add_working_time,
    end_of_working_day,
    next_opening,
    working_seconds_between,
)
from service.sla.calendar import Calendar
from service.sla.targets import share_time
from tests.unit.sla.counting import BEFORE, Counted
from tests.unit.sla.random_calendars import DAY, Plan, draw_plan

STARTS = 5
"""Questions asked of one calendar."""
SEED = 311
Answers = Iterator[tuple[str, int | None, datetime]]
"""What was asked, the minute that counting gives, the instant that the calendar gives."""


def ask(plan: Plan, counted: Counted, calendar: Calendar, draw: Random) -> Answers:
    index = (BEFORE - 8) * DAY + draw.randrange(12 * DAY)
    start = counted.at(index)
    target = 20 * draw.randint(1, 150)
    end = counted.after(index, target)
    yield "forward", end, add_working_time(calendar, start, target * 60)
    following = None if end is None else counted.opening(end)
    yield "forward to open", following, add_working_time(calendar, start, target * 60, "next_open")
    yield "backward", counted.before(index, target), add_working_time(calendar, start, -target * 60)
    percent = 5 * draw.randint(1, 20)
    share = share_time(Target(target * 60), calendar, start, percent)
    yield "share", counted.after(index, target * percent // 100), share
    yield "opening", counted.opening(index), next_opening(calendar, start)
    yield "end of day", counted.end_of_day(index), end_of_working_day(calendar, start)
    days = draw.randint(-8, 8)
    closing, opening = (counted.days_later(index, days, keep_closing=keep) for keep in (True, False))
    yield f"{days} days", closing, add_working_days(calendar, start, days)
    yield f"{days} days to open", opening, add_working_days(calendar, start, days, "next_open")
    if closing is not None:
        # Working days from a closing time: where the last answer lies may be one.
        again = counted.days_later(closing, -3, keep_closing=True)
        yield "3 days back", again, add_working_days(calendar, counted.at(closing), -3)


def check(plan: Plan, counted: Counted, calendar: Calendar, draw: Random, asked: Counter[str]) -> None:
    index, other = (draw.randrange(10 * DAY, 60 * DAY) for _ in range(2))
    spent = working_seconds_between(calendar, counted.at(index), counted.at(other))
    assert spent == counted.worked.count(1, index, max(index, other)) * 60, (plan, counted.at(index), counted.at(other))
    assert calendar.is_working(counted.at(index)) == bool(counted.worked[index]), (plan, counted.at(index))
    for name, expected, given in ask(plan, counted, calendar, draw):
        if expected is not None:
            asked[name.lstrip("-0123456789 ")] += 1
            assert given == counted.at(expected), (name, plan)


def compare(calendars: int, seed: int) -> Counter[str]:
    draw, asked = Random(seed), Counter[str]()
    for _ in range(calendars):
        plan, anchor = draw_plan(draw)
        calendar, counted = plan.calendar(), Counted(plan, anchor)
        if not counted.recurs:
            continue  # calendars that are not open at once week after week
        for _ in range(STARTS):
            check(plan, counted, calendar, draw, asked)
    return asked


def test_against_counting_minutes() -> None:
    asked = compare(100, SEED)

    assert min(asked.values()) > 100, asked


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_against_counting_minutes_at_length() -> None:
    asked = compare(11_000, SEED + 1)

    assert asked["forward"] > 45_000, asked
    assert sum(asked.values()) > 300_000, asked
