"""Events as JSON lines."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from answerby.cli.event_lines import Line, read_events
from answerby.domain.event import ActorRole

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def read(*records: object) -> list[Line]:
    return list(read_events([orjson.dumps(record) for record in records], NOW))


def test_a_full_event() -> None:
    (line,) = read(
        {
            "id": "e1",
            "source": "crm",
            "type": "request.replied",
            "time": "2026-03-02T10:00:00+08:00",
            "request_id": "r",
            "actor": "agent",
            "actor_id": "u7",
            "facts": {"channel": "web", "tags": ["a"], "n": 2, "gone": None},
        }
    )

    assert line.event is not None
    assert (line.event.id, line.event.source, line.event.type, line.event.actor) == (
        "e1",
        "crm",
        "request.replied",
        ActorRole.AGENT,
    )
    assert line.event.time == datetime(2026, 3, 2, 2, tzinfo=UTC)
    assert line.event.data == {"channel": "web", "tags": ["a"], "n": 2, "gone": None}


def test_a_cloud_event_is_an_event() -> None:
    (line,) = read({"specversion": "1.0", "id": "e", "source": "s", "subject": "r", "data": {"channel": "web"}})

    assert line.event is not None
    assert (line.event.request_id, line.event.data) == ("r", {"channel": "web"})


def test_what_is_left_out_is_filled_in() -> None:
    (line,) = read({"request_id": "r"})

    assert line.event is not None
    assert (line.event.source, line.event.type, line.event.time) == ("cli", "request.received", NOW)
    assert line.event.id == "r/request.received/2026-03-02T09:00:00+00:00"


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ([], "not a JSON object"),
        ({}, "request_id is missing"),
        ({"request_id": "r", "channel": "web"}, "unknown keys channel"),
        ({"request_id": 7}, "request_id must be text"),
        ({"request_id": "r", "time": "2026-03-02T10:00:00"}, "names no offset"),
        ({"request_id": "r", "time": "soon"}, "no ISO-8601 time"),
        ({"request_id": "r", "actor": "robot"}, "neither customer, agent nor system"),
        ({"request_id": "r", "facts": []}, "facts must be an object"),
        ({"request_id": "r", "facts": {"a": {"b": 1}}}, "facts.a must be"),
    ],
)
def test_a_line_that_is_no_event_is_told(record: object, told: str) -> None:
    bad, good = read(record, {"request_id": "next"})

    assert bad.event is None
    assert bad.number == 1
    assert told in bad.refused
    assert good.event is not None


def test_broken_json_does_not_stop_the_rest() -> None:
    lines = list(read_events([b"{", b"\n", b'{"request_id": "r"}'], NOW))

    assert [(line.number, line.event is None) for line in lines] == [(1, True), (3, False)]


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59+00:00", "1969-12-31T23:59:59+00:00"]
)
def test_a_time_that_no_server_takes_is_refused(time: str) -> None:
    (line,) = read({"request_id": "r", "time": time, "facts": {}})
    assert line.event is None
    assert "1970" in line.refused


def test_a_file_saved_with_a_byte_order_mark() -> None:
    (line,) = read_events([b"\xef\xbb\xbf" + orjson.dumps({"request_id": "r", "time": "2026-03-02T10:00:00Z"})], NOW)
    assert line.event is not None
