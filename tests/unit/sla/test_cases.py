"""Expected figures from other products' public tests: due times, working time between instants, working periods."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from answerby.sla.business_time import add_working_days, add_working_time, working_periods
from answerby.sla.calendar import Calendar
from answerby.sla.targets import used_micros

CASES = yaml.safe_load(Path(__file__).with_name("cases.yaml").read_text(encoding="utf-8"))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hours = list[tuple[int, int]]


def seconds(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 3600 + int(minute) * 60


def hours(texts: list[str]) -> Hours:
    pairs = (text.split("-") for text in texts)
    return [(seconds(start), seconds(end)) for start, end in pairs]


def weekdays(span: str) -> Iterator[int]:
    first, _, last = span.partition("-")
    yield from range(DAYS.index(first), DAYS.index(last or first) + 1)


def dated(days: Mapping[str, list[str]]) -> dict[date, Hours]:
    return {date.fromisoformat(day): hours(texts) for day, texts in days.items()}


def calendar(name: str) -> Calendar:
    given = CASES["calendars"][name]
    return Calendar.build(
        name,
        given["zone"],
        {day: hours(texts) for span, texts in given["weekly"].items() for day in weekdays(span)},
        holidays=[date.fromisoformat(day) for day in given.get("holidays", [])],
        annual_holidays=given.get("annual_holidays", []),
        overrides=dated(given.get("overrides", {})),
        breaks=dated(given.get("breaks", {})),
    )


def label(case: dict[str, Any]) -> str:
    return f"{case['product']}: {case['case']}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("case", CASES["due"], ids=label)
def test_due_time(case: dict[str, Any]) -> None:
    boundary = case.get("boundary", "close")
    if "days" in case:
        due = add_working_days(calendar(case["calendar"]), at(case["start"]), case["days"], boundary)
    else:
        due = add_working_time(calendar(case["calendar"]), at(case["start"]), case["seconds"], boundary)
    assert due == at(case["due"])
    assert due.utcoffset() == timedelta(0)


@pytest.mark.parametrize("case", CASES["worked"], ids=label)
def test_working_time_between(case: dict[str, Any]) -> None:
    pauses = [(at(start), at(end)) for start, end in case.get("pauses", [])]
    used = used_micros(calendar(case["calendar"]), at(case["start"]), at(case["end"]), pauses)
    assert used == case["seconds"] * 1_000_000


@pytest.mark.parametrize("case", CASES["periods"], ids=label)
def test_working_periods(case: dict[str, Any]) -> None:
    expected = [(at(start), at(end)) for start, end in case["periods"]]
    start = at(case["start"])
    found = working_periods(calendar(case["calendar"]), start, start + timedelta(days=30))
    assert list(islice(found, len(expected))) == expected
