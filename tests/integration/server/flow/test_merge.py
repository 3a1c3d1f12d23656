"""Merging two requests through a real worker and a real store: the commit tells the survivor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.patience import eventually

HOUR = timedelta(hours=1)


@pytest.fixture
def submit(running, make_event):
    """Sends one event about a request and gives the decision."""
    numbers = count(1)

    async def send(request_id, kind, when, *, historical=False, number=None, **facts):
        event = make_event(
            number or next(numbers),
            request_id=request_id,
            type=f"request.{kind}",
            when=when,
            facts={name.replace("__", "."): value for name, value in facts.items()},
        )
        reply = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event, historical=historical))
        return reply.decision

    return send


@pytest.fixture
def history(running):
    """The decisions of a request, oldest first."""

    async def read(request_id):
        reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id=request_id))
        return list(reversed(reply.decisions))

    return read


@pytest.fixture
def settled(store):
    """Waits until nothing is left to decide in the intake."""

    async def wait():
        async def empty():
            depth = await store.intake.depth("default")
            return depth.unread == 0 and depth.pending == 0

        await eventually(empty)

    return wait


@pytest.fixture
def now():
    return datetime.now(UTC).replace(microsecond=0)


async def two(submit, now):
    await submit("A", "received", now - 0.75 * HOUR, text__body="hello")
    await submit("B", "received", now - 0.25 * HOUR, text__body="hello again")


def due(decision):
    return decision.clocks[0].due_time.ToDatetime(UTC)


async def test_the_survivor_takes_over_the_earliest_clock(submit, history, settled, now):
    await two(submit, now)
    assert due((await history("B"))[0]) == now + 0.75 * HOUR

    merged = await submit("A", "merged", now, merged__into="B")
    assert merged.status == "merged"

    async def told():
        return len(await history("B")) == 2

    await eventually(told)
    absorbed = (await history("B"))[1]
    assert (absorbed.event_type, absorbed.event_source, absorbed.event_id) == (
        "request.absorbed",
        "answerby/merge",
        "A/2",
    )
    assert [flag.code for flag in absorbed.flags] == ["ABSORBED"]
    assert "A, created" in absorbed.flags[0].message
    assert due(absorbed) == now + 0.25 * HOUR
    await settled()
    assert len(await history("B")) == 2


async def test_a_clock_that_is_late_by_the_earlier_start_escalates(submit, history, now):
    await submit("A", "received", now - 3 * HOUR, text__body="hello")
    await submit("B", "received", now, text__body="hello again")
    await submit("A", "merged", now, merged__into="B")

    async def escalated():
        return [decision.event_type for decision in await history("B")][2:] == ["timer.due"]

    await eventually(escalated)
    _, absorbed, timer = await history("B")
    assert absorbed.clocks[0].breached
    assert "notify" in [effect.kind for effect in timer.effects]


async def test_a_merge_sent_twice_is_told_once(submit, history, settled, now):
    await two(submit, now)
    await submit("A", "merged", now, merged__into="B", number=50)
    await submit("A", "merged", now, merged__into="B", number=50)
    await settled()

    assert [decision.event_type for decision in await history("B")] == ["request.received", "request.absorbed"]


async def test_merging_back_is_refused(submit, history, settled, now):
    await two(submit, now)
    await submit("A", "merged", now, merged__into="B")
    await settled()
    refused = await submit("B", "merged", now, merged__into="A")
    itself = await submit("B", "merged", now, merged__into="B")

    for decision in (refused, itself):
        assert decision.status == "open"
        assert [flag.code for flag in decision.flags] == ["MERGE_REFUSED"]
    await settled()
    assert len(await history("A")) == 2


async def test_merges_into_each_other_at_once_leave_the_earlier_one_in_force(running, make_event, history, now):
    for name, hours in (("A", 0.75), ("B", 0.25)):
        event = make_event(f"received-{name}", request_id=name, when=now - hours * HOUR)
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    merges = [
        make_event("ab", request_id="A", type="request.merged", when=now, facts={"merged.into": "B"}),
        make_event("ba", request_id="B", type="request.merged", when=now + timedelta(seconds=1), facts={"merged.into": "A"}),
    ]  # fmt: skip
    await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=merges))

    async def reopened():
        # With its own merge refused at once, or taken back once both were told.
        return [(await history(name))[-1].status for name in ("A", "B")] == ["merged", "open"]

    await eventually(reopened)
    assert due((await history("B"))[-1]) == now + 0.25 * HOUR


async def test_a_past_merge_tells_nobody(submit, history, settled, now):
    await two(submit, now)
    merged = await submit("A", "merged", now, historical=True, merged__into="B")
    await settled()

    assert merged.status == "merged"
    assert len(await history("B")) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "request.absorbed"}, "type"),
        ({"type": "request.merge_refused"}, "type"),
        ({"source": "answerby/merge"}, "source"),
    ],
)
async def test_nobody_else_may_say_so(running, make_event, changes, field):
    event = make_event(facts={"absorbed.request": "A"}, **changes)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field in caught.value.details()
