"""From rows to events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from answerby.cli.fail import CommandFailed
from answerby.cli.replay.mapping import Mapping
from answerby.cli.replay.planner import Planned, Planner
from answerby.cli.replay.readers import Row
from answerby.domain.event import ActorRole

ENTRY: dict[str, Any] = {"type": "request.received", "time": "at"}


class Planning:
    """Plans rows given as dictionaries; the first is line 2, as below a header."""

    def __init__(self, **mapping: Any) -> None:
        content = {"mapping": "m", "request_id": "id", "timezone": "UTC", "events": [ENTRY], **mapping}
        self.refused: list[tuple[int, str]] = []
        self.planner = Planner(
            Mapping.model_validate(content), "t", lambda line, why, _: self.refused.append((line, why))
        )

    def plan(self, *rows: dict[str, Any]) -> list[Planned]:
        return list(self.planner.plan(Row(line, cells) for line, cells in enumerate(rows, start=2)))

    def types(self, *rows: dict[str, Any]) -> list[tuple[str, str]]:
        return [(p.event.request_id, p.event.type) for p in self.plan(*rows)]


def test_an_event_carries_all_that_the_mapping_says() -> None:
    planning = Planning(
        source="crm/{site}",
        events=[
            {
                "type": "request.updated",
                "time": "at",
                "id": {"template": "{@request_id}-{@line}-{version}"},
                "actor": {"column": "by", "values": {"staff": "agent"}},
                "actor_id": "who",
            }
        ],
        facts={"channel": {"value": "phone"}, "size": {"column": "size", "type": "integer"}},
    )

    (planned,) = planning.plan(
        {"id": "7", "at": "2026-03-02T09:00:00", "site": "eu", "version": 3, "by": "staff", "who": 12, "size": " 4 "}
    )

    event = planned.event
    assert (event.tenant, event.source, event.id, event.request_id) == ("t", "crm/eu", "7-2-3", "7")
    assert (event.type, event.actor, event.actor_id) == ("request.updated", ActorRole.AGENT, "12")
    assert event.time == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert event.data == {"channel": "phone", "size": 4}
    assert event.historical
    assert planned.line == 2


def test_types_by_position_state_and_the_row_before() -> None:
    waiting = {"state": {"starts_with": "Wait"}}
    rules = [
        {"first": True, "is": "request.received"},
        {"when": waiting, "is": "request.on_hold"},
        {"previous": waiting, "is": "request.resumed"},
        {"when": {"state": ["Closed", "Cancelled"]}, "is": "request.closed"},
    ]
    planning = Planning(events=[{"type": rules, "time": "at"}])
    rows = [
        {"id": ticket, "at": f"2026-03-02T09:0{minute}", "state": state}
        for minute, (ticket, state) in enumerate(
            [("a", "New"), ("a", "Wait user"), ("b", "Wait vendor"), ("a", "Work"), ("b", "Work"), ("a", "Closed")]
        )
    ]
    rows.append({"id": "a", "at": "2026-03-02T09:30", "state": "Closed, seen"})

    assert planning.types(*rows) == [
        ("a", "request.received"),
        ("a", "request.on_hold"),
        ("b", "request.received"),
        ("a", "request.resumed"),
        ("b", "request.resumed"),
        ("a", "request.closed"),
    ]
    assert planning.planner.counts.without_event == 1


def test_one_row_may_become_several_events_in_order_of_time() -> None:
    planning = Planning(
        order="time",
        events=[ENTRY, {"type": "request.closed", "time": "end", "when": {"end": {"is": "present"}}}],
    )

    planned = planning.plan(
        {"id": "a", "at": "2026-03-02T09:00", "end": "2026-03-02T12:00"},
        {"id": "b", "at": "2026-03-02T10:00", "end": ""},
        {"id": "c", "at": "2026-03-02T09:00", "end": ""},
    )

    assert [(p.event.id, p.event.type) for p in planned] == [
        ("a/2", "request.received"),
        ("c/4", "request.received"),
        ("b/3", "request.received"),
        ("a/2/2", "request.closed"),
    ]


def test_null_markers_lists_of_columns_and_clearing() -> None:
    planning = Planning(
        nulls=["?", ""],
        facts={
            "first": ["a", "b"],
            "gone": {"column": "a", "clear": True},
            "kept": "a",
            "usual": {"column": "a", "default": "x"},
            "both": {"template": "{a}-{b}"},
        },
    )

    null, given = planning.plan(
        {"id": "1", "at": "2026-03-02T09:00", "a": "?", "b": "B"},
        {"id": "1", "at": "2026-03-02T09:01", "a": "A", "b": "B"},
    )

    assert null.event.data == {"first": "B", "gone": None, "usual": "x"}
    assert given.event.data == {"first": "A", "gone": "A", "kept": "A", "usual": "A", "both": "A-B"}


@pytest.mark.parametrize(
    ("spec", "cell", "expected"),
    [
        ({"values": {"1": "high", "2": "low"}}, "1", "high"),
        ({"values": {"1": "high"}, "otherwise": "other"}, "9", "other"),
        ({"values": {"1": "high"}, "otherwise": {"keep": True}}, "9", "9"),
        ({"values": {"true": True}}, True, True),
        ({"type": "integer"}, "-12", -12),
        ({"type": "decimal"}, "1.5", 1.5),
        ({"type": "boolean"}, "No", False),
        ({"type": "set", "split": ";"}, "a; b;;", ["a", "b"]),
        ({"type": "set"}, ["x", 2], ["x", "2"]),
        ({"type": "string"}, 7.0, "7"),
        ({"type": "instant"}, "2026-03-02T09:00+08:00", "2026-03-02T01:00:00+00:00"),
        ({}, ["a", "b"], ["a", "b"]),
        ({"extract": r"^\d{4}"}, "2016-07-01", "2016"),
        ({"extract": r"P(\d)", "type": "integer"}, "prio P3!", 3),
        ({"extract": r"P(\d)", "default": "none"}, "x", "none"),
    ],
)
def test_what_a_cell_becomes(spec: dict[str, Any], cell: object, expected: object) -> None:
    planning = Planning(facts={"x": {"column": "cell", **spec}})

    (planned,) = planning.plan({"id": "1", "at": "2026-03-02T09:00", "cell": cell})

    assert planned.event.data == {"x": expected}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "", "at": "2026-03-02T09:00"}, "the request id is null"),
        ({"id": "1", "at": ""}, "at: the time of the event is null"),
        ({"id": "1", "at": "yesterday"}, 'at: "yesterday" is no ISO-8601 time; name its time_formats in the mapping'),
        (
            {"id": "1", "at": "2026-03-02T09:00", "cell": "9"},
            'cell: "9" is not in the table of values; add it, or say otherwise',
        ),
        ({"id": "1", "at": "0001-01-01T00:00+14:00"}, 'at: "0001-01-01T00:00+14:00" lies outside the years 1 to 9999'),
    ],
)
def test_a_row_that_cannot_be_an_event_is_refused_with_its_line(row: dict[str, Any], reason: str) -> None:
    planning = Planning(facts={"x": {"column": "cell", "values": {"1": "high"}}})
    good = {"id": "2", "at": "2026-03-02T09:00", "cell": "1"}

    planned = planning.plan(row, good)

    assert planning.refused == [(2, reason)]
    assert [p.event.request_id for p in planned] == ["2"]


def test_a_time_without_zone_needs_one_in_the_mapping() -> None:
    planning = Planning(timezone=None)

    assert planning.plan({"id": "1", "at": "2026-03-02T09:00"}) == []
    assert planning.refused == [(2, 'at: "2026-03-02T09:00" names no offset; name a timezone in the mapping')]


def test_times_by_format_zone_and_shift() -> None:
    # On 1 July Boston is four hours behind UTC. Shifted: 06:28 local was written for what was 10:28 local.
    planning = Planning(
        timezone="America/New_York",
        time_formats=["%d/%m/%Y %H:%M"],
        facts={
            "late": {"column": "late", "type": "instant", "shifted": True},
            "zoned": {"column": "zoned", "type": "instant", "timezone": "Asia/Shanghai", "time_formats": ["%Y%m%d"]},
        },
    )

    (planned,) = planning.plan({"id": "1", "at": "1/7/2026 09:05", "late": "1/7/2026 06:28", "zoned": "20260701"})

    assert planned.event.time == datetime(2026, 7, 1, 13, 5, tzinfo=UTC)
    assert planned.event.data == {"late": "2026-07-01T14:28:00+00:00", "zoned": "2026-06-30T16:00:00+00:00"}


@pytest.mark.parametrize(
    ("condition", "skipped"),
    [
        ("x", {"x"}),
        (["x", "y"], {"x", "y"}),
        ({"not": "x"}, {"y", "xy", ""}),
        ({"is": "missing"}, {""}),
        ({"is": "present"}, {"x", "y", "xy"}),
        ({"starts_with": "x"}, {"x", "xy"}),
        ({"contains": "y"}, {"y", "xy"}),
        ({"matches": "^.$", "not": "y"}, {"x"}),
    ],
)
def test_conditions(condition: object, skipped: set[str]) -> None:
    cells = ["x", "y", "xy", ""]
    planning = Planning(skip=[{"state": condition}])

    planned = planning.plan(*({"id": f"={c}", "at": "2026-03-02T09:00", "state": c} for c in cells))

    assert {c for c in cells if f"={c}" not in {p.event.request_id for p in planned}} == skipped
    assert planning.planner.counts.skipped == len(skipped)


def test_nested_values_of_json_lines() -> None:
    planning = Planning(facts={"name": "customer.tier", "none": "customer.absent.deeper"})

    (planned,) = planning.plan({"id": 5, "at": "2026-03-02T09:00", "customer": {"tier": "vip"}})

    assert planned.event.request_id == "5"
    assert planned.event.data == {"name": "vip"}


def test_a_column_that_the_csv_does_not_have_is_told_before_anything_is_decided() -> None:
    planning = Planning(facts={"x": "colour"}, skip=[{"state": "x"}])

    with pytest.raises(CommandFailed, match="colour, state"):
        planning.planner.check_columns(["id", "at"])
