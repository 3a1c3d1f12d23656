"""The stream of decisions: in order, resumable, and never with a silent gap."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.refusals import error_info


async def submit(running, events):
    await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))


async def take(stream, count):
    """The next decisions, bookmarks left out; their ids and the last token."""
    ids, token = [], ""
    async with asyncio.timeout(20):
        while len(ids) < count:
            message = await stream.read()
            token = message.resume_token
            if message.HasField("decision"):
                ids.append(message.decision.id)
    stream.cancel()
    return ids, token


async def test_a_watch_sees_what_comes_and_resumes_where_it_was(running, make_event):
    await submit(running, [make_event(1)])
    stream = running.requests.WatchDecisions(pb.WatchDecisionsRequest())
    first = await stream.read()
    assert first.resume_token
    assert not first.HasField("decision")
    await submit(running, [make_event(2), make_event(3)])
    ids, token = await take(stream, 2)
    assert ids == ["R-2/1", "R-3/1"]

    await submit(running, [make_event(4)])
    ids, _ = await take(running.requests.WatchDecisions(pb.WatchDecisionsRequest(resume_token=token)), 1)
    assert ids == ["R-4/1"]
    ids, _ = await take(running.requests.WatchDecisions(pb.WatchDecisionsRequest(from_start=True)), 4)
    assert ids == ["R-1/1", "R-2/1", "R-3/1", "R-4/1"]


async def test_a_watch_sees_only_what_it_asked_for(running, make_event):
    await submit(running, [make_event(1), make_event(2, facts={"text.body": "I complain"}), make_event(3)])
    high = pb.WatchDecisionsRequest(from_start=True, priorities=["high"])
    assert (await take(running.requests.WatchDecisions(high), 1))[0] == ["R-2/1"]
    one = pb.WatchDecisionsRequest(from_start=True, request_ids=["R-3"])
    assert (await take(running.requests.WatchDecisions(one), 1))[0] == ["R-3/1"]


async def test_a_token_older_than_what_is_kept_is_an_explicit_error(running, make_event, redis_url):
    stream = running.requests.WatchDecisions(pb.WatchDecisionsRequest())
    old = (await stream.read()).resume_token
    stream.cancel()
    await submit(running, [make_event(1), make_event(2), make_event(3)])

    from redis.asyncio import Redis

    from answerby.store.keys import tenant_keys

    async with Redis.from_url(redis_url) as client:
        await client.xtrim(tenant_keys("default").log, maxlen=1, approximate=False)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(running.requests.WatchDecisions(pb.WatchDecisionsRequest(resume_token=old)), 1)
    assert caught.value.code() == grpc.StatusCode.OUT_OF_RANGE
    info = error_info(caught.value)
    assert info.reason == "RESUME_TOKEN_EXPIRED"
    oldest = pb.WatchDecisionsRequest(resume_token=info.metadata["oldest_token"])
    assert (await take(running.requests.WatchDecisions(oldest), 1))[0] == ["R-3/1"]


@pytest.mark.parametrize(
    "request_",
    [pb.WatchDecisionsRequest(resume_token="x"), pb.WatchDecisionsRequest(resume_token="x", from_start=True)],
)
async def test_a_foreign_token_is_refused(running, request_):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await take(running.requests.WatchDecisions(request_), 1)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_watches_are_limited(settings, launch):
    settings["server"]["limits"] = {"watchers": 1}
    async with launch() as running:
        first = running.requests.WatchDecisions(pb.WatchDecisionsRequest())
        await first.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.requests.WatchDecisions(pb.WatchDecisionsRequest()).read()
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        first.cancel()


async def test_a_drain_ends_watches_as_unavailable_and_health_as_not_serving(launch, make_event):
    async with launch() as running:
        stream = running.requests.WatchDecisions(pb.WatchDecisionsRequest())
        await stream.read()
        running.worker.stop()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async with asyncio.timeout(20):
                await stream.read()
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


async def test_health_says_not_serving_while_draining(launch):
    async with launch() as running:
        stream = running.health.Watch(health_pb2.HealthCheckRequest())
        assert (await stream.read()).status == health_pb2.HealthCheckResponse.SERVING
        running.worker.stop()
        assert (await stream.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        stream.cancel()
