"""A customer's message to a finished request, through a real worker and a real store: a new request begins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import grpc
import redis.asyncio

from answerby.api.v1 import request_service_pb2 as pb
from answerby.store.keys import tenant_keys
from tests.kit.patience import eventually

DAY = timedelta(days=1)


async def test_a_message_long_after_the_end_begins_a_new_request(running, make_event):
    now = datetime.now(UTC)
    told = [("received", 16 * DAY, {"text.body": "broken"}), ("completed", 15 * DAY, {})]
    told.append(("customer_replied", timedelta(), {"text.body": "another thing"}))
    for number, (kind, ago, facts) in enumerate(told, 1):
        event = make_event(number, request_id="R", type=f"request.{kind}", when=now - ago, facts=facts)
        reply = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert "NEW_REQUEST_BY_REPLY" in [flag.code for flag in reply.decision.flags]

    async def begun() -> bool:
        try:
            found = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R+1"))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise
        return len(found.decisions) == 1

    await eventually(begun)


async def tell(running, make_event, name, told, **facts):
    """Tells of the request, each event so long ago; returns the reply to the last."""
    now = datetime.now(UTC)
    for kind, ago in told:
        event = make_event(
            f"{name[:9]} {kind} {ago}", request_id=name, type=f"request.{kind}", when=now - ago, facts=facts
        )
        reply = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    return reply


async def found(running, name):
    """The request with its decisions; None while there is none."""
    try:
        return await running.requests.GetRequest(pb.GetRequestRequest(request_id=name))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.NOT_FOUND:
            return None
        raise


async def told_by(running, name):
    """The sources of what was decided for the request, in order; its timers are left out."""
    decisions = (await found(running, name)).decisions
    known = sorted(decisions, key=lambda decision: decision.sequence)
    return [decision.event_source for decision in known if decision.event_source != "answerby/timers"]


ENDED = (("received", 16 * DAY), ("completed", 15 * DAY))
AGAIN = ("customer_replied", timedelta())


async def test_a_request_of_somebody_else_with_the_next_id_is_not_touched(running, make_event):
    await tell(running, make_event, "KD+1", [("received", DAY)], **{"text.body": "of bob"})
    reply = await tell(running, make_event, "KD", [*ENDED, AGAIN], **{"text.body": "alice again"})
    assert any("KD+2 goes on with it" in flag.message for flag in reply.decision.flags)

    async def begun() -> bool:
        return await found(running, "KD+2") is not None

    await eventually(begun)
    assert await told_by(running, "KD+1") == ["crm/test"]


async def test_an_id_that_somebody_took_in_the_meantime_is_not_touched_and_the_message_arrives_once(
    running, make_event, redis_url
):
    await tell(running, make_event, "KD", ENDED)
    await tell(running, make_event, "KD+1", [("received", DAY)])
    # As when the other request came between the decision and what it sends.
    store = redis.asyncio.from_url(redis_url)
    key = tenant_keys("default").request("KD")
    state = json.loads(await store.hget(key, "s"))
    await store.hset(key, "s", json.dumps({**state, "followed_by": "KD+1"}))
    await store.aclose()
    event = make_event("again", request_id="KD", type="request.customer_replied", when=datetime.now(UTC))
    for _ in range(2):
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))

    async def arrived() -> bool:
        return await found(running, "KD+2") is not None

    await eventually(arrived)
    assert await told_by(running, "KD+1") == ["crm/test"]
    assert await told_by(running, "KD+2") == ["answerby/replies"]


async def test_the_request_after_one_with_the_longest_id_can_be_asked_for_and_told_of(running, make_event):
    name = "K" * 256
    reply = await tell(running, make_event, name, [*ENDED, AGAIN])
    (follower,) = [flag.message.split()[-5] for flag in reply.decision.flags if flag.code == "NEW_REQUEST_BY_REPLY"]

    async def begun() -> bool:
        return await found(running, follower) is not None

    await eventually(begun)
    await tell(running, make_event, follower, [("replied", timedelta())])
    assert await told_by(running, follower) == ["answerby/replies", "crm/test"]
