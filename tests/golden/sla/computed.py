"""Cases of plain arithmetic: due times, elapsed time, working periods, membership. Calendars go through rule files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from answerby.domain.clock import Target, TargetUnit
from answerby.rules.sections.values.durations import parse_duration
from answerby.sla.business_time import add_working_days, add_working_time, working_seconds_between
from answerby.sla.calendar import Calendar
from answerby.sla.targets import due_time
from tests.golden.sla.timeline import instant
from tests.kit.sections import load

Case = Mapping[str, Any]
COMMON = frozenset(["id", "op", "title", "source", "test", "confidence", "calendar", "expect", "tags", "note"])
KEYS = {
    "add": COMMON | {"start", "amount", "business_days", "boundary", "end_of_day", "open_question"},
    "elapsed": COMMON | {"from", "to", "minus"},
    "periods": COMMON | {"origin"},
    "contains": COMMON | {"windows"},
}


def understood(case: Case) -> None:
    more = set(case) - KEYS[case["op"]]
    assert not more, f"the case says more than is understood: {sorted(more)}"


def calendar_from(name: str, spec: Mapping[str, Any]) -> Calendar:
    """The calendar as the loader reads it from a file."""
    result = load({"calendars": {name: spec}, "clocks": [{"id": "any", "because": "case"}]}, *ONE_RULE)
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return result.rulebook.calendars[name]


ONE_RULE = ({"stage": "sla", "rules": [{"id": "r", "because": "case", "then": {"sla.any": "1h"}}]},)


def calendar_of(case: Case, calendars: Mapping[str, Any]) -> Calendar:
    name = case["calendar"]
    return calendar_from("case", calendars[name])


def add(case: Case, calendars: Mapping[str, Any]) -> None:
    understood(case)
    calendar, start = calendar_of(case, calendars), instant(case["start"])
    boundary = case.get("boundary", "close")
    assert set(case["expect"]) == {"due"}
    if case.get("end_of_day"):
        target = (
            Target(case["business_days"], TargetUnit.WORKING_DAYS, "", end_of_day=True)
            if "business_days" in case
            else Target(seconds(case["amount"]), TargetUnit.SECONDS, "", end_of_day=True)
        )
        due = due_time(target, calendar, start, (), boundary)
    elif "business_days" in case:
        due = add_working_days(calendar, start, case["business_days"], boundary)
    else:
        due = add_working_time(calendar, start, seconds(case["amount"]), boundary)
    assert due == instant(case["expect"]["due"])


def elapsed(case: Case, calendars: Mapping[str, Any]) -> None:
    understood(case)
    calendar, start, end = calendar_of(case, calendars), instant(case["from"]), instant(case["to"])
    found = working_seconds_between(calendar, start, end)
    for pause_start, pause_end in case.get("minus", ()):
        found -= working_seconds_between(calendar, instant(pause_start), instant(pause_end))
    assert set(case["expect"]) == {"seconds"}
    assert found == case["expect"]["seconds"]


def periods(case: Case, calendars: Mapping[str, Any]) -> None:
    """The next working periods from an origin on, found by stepping from opening to closing."""
    understood(case)
    calendar, at = calendar_of(case, calendars), instant(case["origin"])
    assert set(case["expect"]) == {"periods"}
    for start, end in case["expect"]["periods"]:
        opening = add_working_time(calendar, at, 0, "next_open")
        assert opening == instant(start)
        assert calendar.is_working(opening)
        at = instant(end)
        length = at - opening
        assert working_seconds_between(calendar, opening, at) == length.total_seconds()
        assert not calendar.is_working(at)


def contains(case: Case, calendars: Mapping[str, Any]) -> None:
    """Which of the named windows an instant lies in; each window is a calendar of its own."""
    understood(case)
    windows = dict(case["windows"])
    zone = windows.pop("timezone")
    named = {name: calendar_from(name, window(zone, spec)) for name, spec in windows.items()}
    for at, expected in case["expect"].items():
        assert sorted(name for name, calendar in named.items() if calendar.is_working(instant(at))) == sorted(expected)


def window(zone: str, spec: list[str]) -> dict[str, Any]:
    """Hours of every day, or whole days of the week."""
    if all(":" in item for item in spec):
        return {"timezone": zone, "weekly": {"mon-sun": spec}}
    return {"timezone": zone, "weekly": {day: ["00:00-24:00"] for day in spec}}


def seconds(text: str) -> int:
    sign, amount = (-1, text[1:]) if text.startswith("-") else (1, text)
    duration = parse_duration(amount)
    assert duration is not None, f"{text} is no duration"
    assert duration.unit is TargetUnit.SECONDS, f"{text} is in days"
    return sign * duration.amount


OPS = {"add": add, "elapsed": elapsed, "periods": periods, "contains": contains}
