"""A worker meets records that nobody can read: each is told once, and everything else goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from redis import Redis

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb
from answerby.store import keys as store_keys
from answerby.store.keys import tenant_keys
from answerby.store.store import Store
from tests.kit.patience import eventually

KEYS = tenant_keys("default")


@pytest.fixture
def raw(redis_url: str):
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def settings(settings, tmp_path):
    """With a `file` connector."""
    out = {"path": str(tmp_path / "out.jsonl")}
    settings["connectors"] = [
        {"name": "out", "type": "file", "sources": ["crm"], "effects": ["notify"], "settings": out}
    ]
    return settings


async def complain(running, make_event, number: int, when: datetime | None = None) -> None:
    values = {"when": when} if when is not None else {}
    event = make_event(number, request_id=f"R-{number}", facts={"text.body": "I complain"}, **values)
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))


async def refusal(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details()


async def fired(store: Store) -> set[str]:
    """The requests whose timers were decided."""
    logged = await store.log.read("default", count=1000)
    return {e.decision.request_id for e in logged if e.decision is not None and e.decision.event_type == "timer.due"}


async def test_garbage_in_every_key_leaves_one_worker_that_does_the_rest(
    launch, make_event, store: Store, raw: Redis, tmp_path
):
    """One worker, so nobody else does it, and the same task all the time, so it has not been started anew."""
    async with launch() as running:
        late = datetime.now(UTC) + timedelta(seconds=3)  # so that the garbage is there before the timers are due
        for number in (1, 2, 3):
            await complain(running, make_event, number, late)
        members = {member.split(b"\x1f")[1]: member for member in raw.zrange(KEYS.timers, 0, -1)}
        raw.hset(KEYS.timer_data, members[b"R-1"], "garbage")
        raw.zadd(KEYS.timers, {"no separator": 1})
        raw.hset(KEYS.request("R-2"), "s", "garbage")
        raw.hset(KEYS.facets, "R-2", "garbage")
        raw.xadd(KEYS.intake, {"e": "garbage"})
        raw.hset(KEYS.outbox_entries, "no-effect", "garbage")
        raw.zadd(KEYS.outbox_queue("out"), {"target:0:-:no-effect": 0})
        raw.zadd(KEYS.outbox_due("out"), {"target": 1})
        raw.incr(KEYS.log_sequence)
        raw.xadd(KEYS.log, {"n": raw.get(KEYS.log_sequence), "d": "garbage"})
        raw.hset(store_keys.RULEBOOK_WORKERS, "another", "garbage")
        raw.set(store_keys.RULEBOOK_CANDIDATE, "garbage")
        raw.set(store_keys.RULEBOOK_ACTIVE, "garbage")
        raw.lpush(store_keys.RULEBOOK_HISTORY, "garbage")
        raw.sadd(store_keys.TENANTS, b"\xff", "a{b}", "broken")
        broken = tenant_keys("broken")
        for key in (broken.timers, broken.intake, broken.log, broken.outbox_due("out"), broken.schedules):
            raw.set(key, "garbage")

        # The timer of R-1 is armed again from the state of its request; R-2 itself cannot be read.
        async def fired_all() -> bool:
            return await fired(store) == {"R-1", "R-3"}

        await eventually(fired_all)
        await complain(running, make_event, 4)

        code, words = await refusal(running.requests.GetRequest(pb.GetRequestRequest(request_id="R-2")))
        assert code is grpc.StatusCode.DATA_LOSS
        assert "restore the record, or run the version that wrote it" in words
        again = make_event(20, request_id="R-2", type="request.updated")
        code, _ = await refusal(running.requests.SubmitEvent(pb.SubmitEventRequest(event=again)))
        assert code is grpc.StatusCode.DATA_LOSS
        reply = await running.requests.ListRequests(pb.ListRequestsRequest())
        assert {request.request_id for request in reply.requests} == {"R-1", "R-3", "R-4"}
        assert list(reply.unreadable_request_ids) == ["R-2"]
        await running.decisions.Explain(decision_pb.ExplainRequest(request_id="R-1"))

        async def delivered() -> bool:
            lines = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
            return {json.loads(line)["request_id"] for line in lines} >= {"R-1", "R-2", "R-3", "R-4"}

        await eventually(delivered)

        def counted() -> bool:
            kinds = ("timer", "state", "effect", "intake", "heartbeat", "candidate", "pointer", "tenant", "key")
            value = running.registry.get_sample_value
            return all(value("answerby_dead_letters_total", {"kind": kind}) for kind in kinds)

        watch = running.requests.WatchDecisions(pb.WatchDecisionsRequest(from_start=True))
        unreadable = 0
        async for message in watch:
            unreadable += bool(message.unreadable)
            if message.decision.request_id == "R-4":
                watch.cancel()
                break
        assert unreadable == 1
        await eventually(counted)
        told = [json.loads(line) for line in running.log.getvalue().splitlines()]
        keys = {line["key"] for line in told if line["event"] == "record unreadable"}
        assert {KEYS.timer_data, KEYS.request("R-2"), KEYS.outbox_entries, store_keys.RULEBOOK_ACTIVE} <= keys
        assert not running.task.done()


async def test_a_round_with_one_bad_event_decides_the_others(launch, make_event, store: Store, raw: Redis):
    async with launch() as running:
        await complain(running, make_event, 1)
        raw.hset(KEYS.request("R-1"), "s", "garbage")
        events = [make_event(number, request_id=f"R-{number % 10}") for number in (11, 2, 3, 4)]
        reply = await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))
        assert [result.reason for result in reply.results] == ["RECORD_UNREADABLE", "", "", ""]


async def test_an_export_names_the_request_that_cannot_be_read(launch, make_event, store: Store, raw: Redis):
    async with launch() as running:
        for number in (1, 2):
            await complain(running, make_event, number)
        raw.lset(KEYS.events("R-1"), 0, "garbage")
        query = pb.ExportEventsRequest()
        query.start_time.FromDatetime(datetime.now(UTC) - timedelta(hours=1))
        query.end_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
        messages = [message async for message in running.requests.ExportEvents(query)]
        assert {m.request.request_id: bool(m.unreadable) for m in messages} == {"R-1": True, "R-2": False}


async def test_a_server_starts_with_an_unreadable_pointer(launch, make_event, raw: Redis):
    async with launch() as running:
        await complain(running, make_event, 1)
    before = json.loads(raw.get(store_keys.RULEBOOK_ACTIVE))
    raw.set(store_keys.RULEBOOK_ACTIVE, "garbage")
    async with launch() as running:
        await complain(running, make_event, 2)
    after = json.loads(raw.get(store_keys.RULEBOOK_ACTIVE))
    assert (after["revision"], after["generation"]) == (before["revision"], before["generation"])
