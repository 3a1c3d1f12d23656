"""What happens without a call: timers, webhooks, deliveries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx2
import msgspec
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import Event
from answerby.server import worker
from answerby_connectors.kit.base import DONE, Guarantee, InvalidSignature, Manifest, PlatformUnavailable
from tests.kit.patience import eventually


async def decisions(running, request_id):
    reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id=request_id))
    return list(reversed(reply.decisions))


async def test_a_clock_that_runs_out_is_decided_as_an_event(running, make_event):
    event = make_event(facts={"text.body": "I complain"})
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))

    async def fired() -> bool:
        return len(await decisions(running, "R-1")) == 2

    await eventually(fired)
    timer = (await decisions(running, "R-1"))[1]
    assert timer.event_type == "timer.due"
    assert timer.event_source == "answerby/timers"
    assert timer.event_time.seconds == event.time.seconds + 2
    assert timer.decide_time.ToNanoseconds() >= timer.event_time.ToNanoseconds()
    assert timer.clocks[0].breached
    assert "notify" in [effect.kind for effect in timer.effects]


async def test_a_timer_missed_while_nothing_ran_fires_once_and_says_how_late(launch, make_event):
    when = datetime.now(UTC) - timedelta(hours=1)
    async with launch() as running:
        event = make_event(facts={"text.body": "I complain"}, when=when)
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    async with launch() as running:

        async def fired() -> bool:
            return len(await decisions(running, "R-1")) == 2

        await eventually(fired)
        late = (await decisions(running, "R-1"))[1]
        assert late.event_time.seconds == event.time.seconds + 2
        assert late.clocks[0].breached


async def test_a_clock_that_was_stopped_does_not_fire(running, make_event, store):
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(facts={"text.body": "I complain"})))
    assert await store.timers.count("default") == 1
    reply = make_event(2, request_id="R-1", type="request.replied", facts={}, actor=2)
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=reply))
    assert await store.timers.count("default") == 0


async def test_decisions_are_delivered(settings, launch, make_event, tmp_path):
    out = tmp_path / "out.jsonl"
    settings["connectors"] = [
        {"name": "out", "type": "file", "sources": ["crm/"], "effects": ["notify"], "settings": {"path": str(out)}}
    ]
    async with launch() as running:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(facts={"text.body": "I complain"})))

        async def delivered() -> bool:
            return out.exists() and len(out.read_text("utf-8").splitlines()) >= 2

        await eventually(delivered)
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len({line["effect_id"] for line in lines}) == len(lines)


class Tickets:
    """A platform whose webhooks name an event, and whose ticket holds the text."""

    manifest = Manifest("desk", frozenset(), Guarantee.EXACTLY_ONCE, inbound=True, description="")

    def __init__(self) -> None:
        self.unavailable = 0
        self.closed = False

    def receive(self, headers, body):
        if headers.get("x-secret") != "right":
            raise InvalidSignature
        try:
            webhook = json.loads(body)
        except json.JSONDecodeError as error:
            raise InvalidInput([FieldViolation("body", "not JSON")]) from error
        if webhook.get("ours"):
            return []
        return [
            Event(source="desk", id=webhook["id"], type="request.received", time=datetime(2026, 1, 5, tzinfo=UTC),
                  request_id=webhook["ticket"], data={"webhook.sent": webhook["sent"]})
        ]  # fmt: skip

    async def complete(self, event):
        if self.unavailable:
            self.unavailable -= 1
            raise PlatformUnavailable("try later", retry_after=0.01)
        if event.request_id == "gone":
            return None
        return msgspec.structs.replace(event, time=datetime.now(UTC), data={"text.body": "我要投诉"})

    async def deliver(self, delivery):
        return DONE

    async def close(self):
        self.closed = True


@pytest.fixture
def desk(settings, monkeypatch):
    platform = Tickets()
    monkeypatch.setattr(worker, "build_connector", lambda *_: platform)
    settings["connectors"] = [{"name": "desk", "type": "desk"}]
    settings["http"] = {"listen": "127.0.0.1:0", "body_bytes": 4096}
    return platform


def hook(number=1, **changes):
    return {"id": f"w-{number}", "ticket": f"T-{number}", "sent": "09:00"} | changes


async def test_waiting_for_a_platform_never_gives_an_event_up(desk, launch, store):
    desk.unavailable = 12  # far more often than a poisoned event is tried
    async with launch() as running, httpx2.AsyncClient() as http:
        url = f"http://127.0.0.1:{running.worker.http_port}/hook/desk"
        for number in range(3):
            assert (await http.post(url, json=hook(number), headers={"x-secret": "right"})).status_code == 202

        async def decided() -> bool:
            reply = await running.requests.ListRequests(pb.ListRequestsRequest())
            return len(reply.requests) == 3

        await eventually(decided)
    assert desk.unavailable == 0
    assert await store.intake.dead("default") == []
    assert (await store.intake.depth("default")).pending == 0


async def test_a_webhook_becomes_a_decided_request(desk, launch):
    desk.unavailable = 1
    async with launch() as running, httpx2.AsyncClient(headers={"x-secret": "right"}) as client:
        url = f"http://127.0.0.1:{running.worker.http_port}/hook/desk"
        assert (await client.post(url, json=hook(1))).status_code == 202
        # A platform that repeats a webhook tells the same event with other details.
        assert (await client.post(url, json=hook(1, sent="09:01"))).status_code == 202
        assert (await client.post(url, json=hook(2, ticket="gone"))).status_code == 202
        assert (await client.post(url, json=hook(3, ours=True))).json() == {"accepted": 0}
        assert (await client.post(url, json=hook(4))).status_code == 202

        async def decided() -> bool:
            page = await running.requests.ListRequests(pb.ListRequestsRequest())
            return {request.request_id for request in page.requests} == {"T-1", "T-4"}

        await eventually(decided)
        first = await decisions(running, "T-1")
        assert [decision.facts["category"].string_value for decision in first[:1]] == ["complaint"]
        assert [decision.event_id for decision in first if decision.event_type != "timer.due"] == ["w-1"]
    assert desk.closed


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("desk", {"x-secret": "wrong"}, b"{}", 401),
        ("desk", {}, b"not json", 401),
        ("desk", {"x-secret": "right"}, b"not json", 400),
        ("desk", {"x-secret": "right"}, b"x" * 5000, 413),
        ("desk", {"x-secret": "right"}, json.dumps(hook(1, id="")).encode(), 400),
        ("desk", {"x-secret": "right"}, json.dumps(hook(1, ticket="\ud800")).encode(), 400),
        ("other", {}, b"{}", 404),
    ],
)
async def test_a_bad_webhook_is_refused(desk, launch, path, headers, body, status):
    async with launch() as running, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{running.worker.http_port}/hook/{path}"
        reply = await client.post(url, content=body, headers=headers)
        assert reply.status_code == status
        assert reply.json()["reason"]


async def test_an_unreadable_entry_is_given_up_and_stops_nothing(running, store, redis_url):
    from redis.asyncio import Redis

    from answerby.store.keys import tenant_keys

    async with Redis.from_url(redis_url) as client:
        await client.xadd(tenant_keys("default").intake, {"e": b"no event"})
    good = Event(source="bulk", id="1", type="request.received", time=datetime.now(UTC), request_id="B-1")
    await store.intake.enqueue("default", [good])

    async def settled() -> bool:
        page = await running.requests.ListRequests(pb.ListRequestsRequest())
        return len(page.requests) == 1 and len(await store.intake.dead("default")) == 1

    await eventually(settled)
