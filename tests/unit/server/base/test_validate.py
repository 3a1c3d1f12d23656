"""What an event from outside may hold."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from answerby.domain.event import Event
from answerby.server.base.config import Limits
from answerby.server.base.validate import event_violations

GOOD = Event(
    source="crm/eu", id="1", type="request.received", time=datetime(2026, 1, 5, tzinfo=UTC), request_id="R-1",
    data={"text.body": "hello", "客户.等级": "金", "tags": ["a", "b"], "n": 1, "x": None},
)  # fmt: skip


def test_a_good_event_has_no_violation():
    assert event_violations(GOOD, Limits()) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "event.id"),
        ({"id": "x" * 257}, "event.id"),
        ({"id": "a\0b"}, "event.id"),
        ({"id": "a\u200bb"}, "event.id"),
        ({"request_id": "\ud800"}, "event.request_id"),
        ({"source": "answerby/timers"}, "event.source"),
        ({"actor_id": "a\nb"}, "event.actor_id"),
        ({"type": ""}, "event.type"),
        ({"type": "Request.Received"}, "event.type"),
        ({"type": "timer.due"}, "event.type"),
        ({"time": datetime(2026, 1, 5)}, "event.time"),  # noqa: DTZ001 - a time without zone is the point
        ({"time": datetime(9999, 12, 31, tzinfo=UTC)}, "event.time"),
        ({"time": datetime(1969, 12, 31, tzinfo=UTC)}, "event.time"),
        ({"data": {"a b": 1}}, "event.facts"),
        ({"data": {f"f{n}": n for n in range(201)}}, "event.facts"),
        ({"data": {"text.body": "\udc80"}}, "event.facts.text.body"),
        ({"data": {"text.body": "诉" * 90_000}}, "event.facts.text.body"),
        ({"data": {"n": float("inf")}}, "event.facts.n"),
        ({"data": {"n": 2**63}}, "event.facts.n"),
        ({"data": {"tags": ["x"] * 1001}}, "event.facts.tags"),
    ],
)
def test_each_violation_names_its_field_and_quotes_nothing(changes, field):
    found = event_violations(msgspec.structs.replace(GOOD, **changes), Limits())
    assert {violation.field for violation in found} == {field}
    assert all("诉" not in violation.description for violation in found)
