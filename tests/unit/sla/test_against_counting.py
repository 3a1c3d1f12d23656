"""Random calendars against counting minute by minute: the only oracle for breaks, make-up days, days that never were,
working days and calendars within calendars, which other libraries do not have. `make test-deep` asks 50,000 questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from random import Random

import pytest
from hypothesis import assume, given

from answerby.domain.clock import Target
from answerby.sla.business_time import (
    add_working_days,
    add_working_time,
    end_of_working_day,
    next_opening,
    working_seconds_between,
)
from answerby.sla.calendar import Calendar
from answerby.sla.targets import share_time
from tests.kit.examples import chances, examples, scaled
from tests.unit.sla.counting import BEFORE, Counted
from tests.unit.sla.random_calendars import DAY, Plan, draw_plan

STARTS = 5
"""Questions asked of one calendar."""
Questions = Iterator[tuple[str, int | None, Callable[..., datetime], tuple[object, ...]]]
"""What is asked, the minute that counting gives (None: it lies outside what is counted), and the call to make."""


def ask(counted: Counted, calendar: Calendar, draw: Random) -> Questions:
    index = (BEFORE - 8) * DAY + draw.randrange(12 * DAY)
    start = counted.at(index)
    target = 20 * draw.randint(1, 150)
    seconds = target * 60
    end = counted.after(index, target)
    yield "forward", end, add_working_time, (calendar, start, seconds)
    following = None if end is None else counted.opening(end)
    yield "forward to open", following, add_working_time, (calendar, start, seconds, "next_open")
    yield "backward", counted.before(index, target), add_working_time, (calendar, start, -seconds)
    percent = 5 * draw.randint(1, 20)
    share = counted.after(index, target * percent // 100)
    yield "share", share, share_time, (Target(seconds), calendar, start, percent)
    yield "opening", counted.opening(index), next_opening, (calendar, start)
    yield "end of day", counted.end_of_day(index), end_of_working_day, (calendar, start)
    days = draw.randint(-8, 8)
    closing, opening = (counted.days_later(index, days, keep_closing=keep) for keep in (True, False))
    yield "days", closing, add_working_days, (calendar, start, days)
    yield "days to open", opening, add_working_days, (calendar, start, days, "next_open")
    if closing is not None:
        # Working days from a closing time: where the last answer lies may be one.
        again = counted.days_later(closing, -3, keep_closing=True)
        yield "days back", again, add_working_days, (calendar, counted.at(closing), -3)


def check(plan: Plan, counted: Counted, calendar: Calendar, draw: Random, asked: Counter[str]) -> None:
    index, other = (draw.randrange(10 * DAY, 60 * DAY) for _ in range(2))
    spent = working_seconds_between(calendar, counted.at(index), counted.at(other))
    assert spent == counted.worked.count(1, index, max(index, other)) * 60, (plan, counted.at(index), counted.at(other))
    assert calendar.is_working(counted.at(index)) == bool(counted.worked[index]), (plan, counted.at(index))
    for name, expected, call, arguments in ask(counted, calendar, draw):
        if expected is not None:
            asked[name] += 1
            assert call(*arguments) == counted.at(expected), (name, arguments[1:], plan)


@pytest.mark.generated
def test_against_counting_minutes() -> None:
    asked = Counter[str]()

    @examples(100, deep=11_000)
    @given(draw=chances)
    def compare(draw: Random) -> None:
        plan, anchor = draw_plan(draw)
        calendar, counted = plan.calendar(), Counted(plan, anchor)
        assume(counted.recurs)  # calendars that are open at once week after week
        for _ in range(STARTS):
            check(plan, counted, calendar, draw, asked)

    compare()
    assert min(asked.values()) > scaled(100, deep=11_000) / 4, asked
