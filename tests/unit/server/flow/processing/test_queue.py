"""Which waiting events go side by side, and that nothing is taken out of its order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.event import Event
from answerby.engine.facts.windows import Windows
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary, Window
from answerby.server.flow.processing.queue import ROUND_EVENTS, Queue
from answerby.server.flow.processing.states import Waiting
from answerby.server.flow.processing.submission import Submission

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PLAIN = Windows(Vocabulary({}))
COUNTED = Windows(
    Vocabulary(
        {
            "customer.id": Field("customer.id", FieldType.STRING),
            "customer.complaints": Field(
                "customer.complaints",
                FieldType.INTEGER,
                window=Window(count="complaint", by="customer.id", within=timedelta(hours=24)),
            ),
        }
    )
)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def waiting(event_id: str, request_id: str, tenant: str = "acme", **facts: str) -> Waiting:
    event = Event(
        tenant=tenant, source="crm", id=event_id, type="request.received", time=T0, request_id=request_id, data=facts
    )
    return Waiting(Submission(event), asyncio.get_running_loop().create_future(), event.time)


def fill(queue: Queue, *events: Waiting) -> None:
    for event in events:
        queue.add(event)


def ids(events: list[Waiting]) -> list[str]:
    return [each.event.id for each in events]


async def test_events_of_one_request_go_one_after_the_other(queue: Queue) -> None:
    fill(queue, waiting("1", "A"), waiting("2", "A"), waiting("3", "B"), waiting("4", "A"), waiting("5", "B"))
    assert ids(queue.take(PLAIN)) == ["1", "3"]
    assert ids(queue.take(PLAIN)) == ["2", "5"]
    assert ids(queue.take(PLAIN)) == ["4"]
    assert len(queue) == 0


async def test_what_stays_back_holds_back_what_follows_it(queue: Queue) -> None:
    """2 waits for 1; 3 is the same event as 2, told of another request, and must not overtake it."""
    fill(queue, waiting("1", "A"), waiting("2", "A"), waiting("2", "B"))
    assert [each.event.request_id for each in queue.take(PLAIN)] == ["A"]
    assert [each.event.request_id for each in queue.take(PLAIN)] == ["A"]
    assert [each.event.request_id for each in queue.take(PLAIN)] == ["B"]


async def test_customers_that_are_counted_are_decided_one_after_the_other(queue: Queue) -> None:
    events = [waiting(str(n), f"R-{n}", **{"customer.id": customer}) for n, customer in enumerate(("x", "x", "y"))]
    fill(queue, *events)
    assert ids(queue.take(COUNTED)) == ["0", "2"]
    assert ids(queue.take(COUNTED)) == ["1"]


async def test_tenants_are_strangers(queue: Queue) -> None:
    fill(queue, waiting("1", "A", tenant="acme"), waiting("1", "A", tenant="other"))
    assert len(queue.take(PLAIN)) == 2


async def test_a_round_is_bounded(queue: Queue) -> None:
    fill(queue, *(waiting(str(n), f"R-{n}") for n in range(ROUND_EVENTS + 1)))
    assert len(queue.take(PLAIN)) == ROUND_EVENTS
    assert len(queue) == 1


async def test_what_is_put_back_comes_first_in_its_order(queue: Queue) -> None:
    fill(queue, waiting("1", "A"), waiting("2", "B"), waiting("3", "C"))
    first = queue.take(PLAIN)[:2]
    fill(queue, waiting("4", "D"))
    queue.put_back(first)
    assert ids(queue.drain()) == ["1", "2", "4"]


async def test_an_event_that_nobody_waits_for_is_left_out(queue: Queue) -> None:
    gone = waiting("1", "A")
    fill(queue, gone, waiting("2", "A"))
    gone.result.cancel()
    assert ids(queue.take(PLAIN)) == ["2"]
