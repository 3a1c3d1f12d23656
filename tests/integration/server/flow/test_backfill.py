"""`answerby connector sync` and `try`: what a platform has comes again without a second decision, and a trial stores nothing."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import redis
from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import connector_service_pb2 as connectors
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.server import worker
from answerby.server.flow.backfill import Fetched, backfill
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from tests.kit.http_server import Answer
from tests.kit.patience import eventually
from tests.kit.platforms.changes_site import ChangesConnector, ChangesSite
from tests.kit.processes import answerby
from tests.kit.services import Kit


@pytest.fixture
def connected(settings: dict[str, Any], site: ChangesSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "build_connector", lambda name, _type, given: ChangesConnector(name, given))
    settings["connectors"] = [{"name": "changes", "type": "changes", "settings": {"url": site.url}}]


async def command(running, *arguments: str, **options: Any):
    target = ("--target", f"127.0.0.1:{running.worker.port}")
    return await asyncio.to_thread(answerby, "connector", *arguments, *target, **options)


async def tickets(running) -> set[str]:
    page = await running.requests.ListRequests(pb.ListRequestsRequest(page_size=500))
    return {request.request_id for request in page.requests}


async def test_a_backfill_brings_what_polls_never_saw_once_and_leaves_the_cursor(connected, site, launch, redis_url):
    long_ago = datetime.now(UTC) - timedelta(days=20)
    for number in range(12):
        site.change(f"T-{number}", long_ago + timedelta(minutes=number))
    site.refusals = []
    async with launch() as running:
        await eventually(lambda: len(site.asked) >= 3)
        assert await tickets(running) == set()
        cursor = cursor_of(redis_url)
        site.refusals = [Answer(503), Answer(429, {"retry-after": "0.2"})]
        done = await command(running, "sync", "changes", "--since", "30d")
        assert (done.returncode, done.stdout) == (0, "12 events fetched, 12 new; the new ones wait to be decided\n"), (
            done.stderr
        )

        async def decided() -> bool:
            return await tickets(running) == {f"T-{number}" for number in range(12)}

        await eventually(decided)
        again = await command(running, "sync", "changes", "--since", "30d")
        assert again.stdout == "12 events fetched, 0 new; the new ones wait to be decided\n"
        with redis.Redis.from_url(redis_url) as client:
            assert client.delete(*client.keys("ab:{default}:idem:*")) >= 12  # the timers have some too
        site.change("T-new", long_ago + timedelta(hours=1))
        later = await command(running, "sync", "changes", "--since", "30d", "--json")
        assert json.loads(later.stdout) == {"fetched": "13", "added": "1", "done": True}
        assert cursor_of(redis_url) == cursor


def cursor_of(redis_url: str) -> bytes | None:
    with redis.Redis.from_url(redis_url) as client:
        return client.hget("ab:{default}:poll:changes", "cursor")


async def test_what_waits_to_be_decided_is_not_new_a_second_time(store, site):
    """Nobody decides. A page has five changes, so seven come in two pages, and eight also in two."""
    long_ago = datetime.now(UTC) - timedelta(days=20)
    for number in range(7):
        site.change(f"T-{number}", long_ago + timedelta(minutes=number))
    await store.intake.open("default")
    services = Kit(store).services
    connector = ChangesConnector("changes", {"url": site.url})
    owned = TenantConnector("default", connector)

    async def told() -> list[Fetched]:
        return [one async for one in backfill(services, "changes", owned, long_ago)]

    assert await told() == [Fetched(5, 5, done=False), Fetched(7, 7, done=True)]
    assert await told() == [Fetched(5, 0, done=False), Fetched(7, 0, done=True)]
    site.change("T-7", long_ago + timedelta(minutes=7))
    assert await told() == [Fetched(5, 0, done=False), Fetched(8, 1, done=True)]
    await connector.close()


async def test_the_quarter_of_an_hour_before_comes_too(connected, site, launch):
    """The clock of the platform is ten minutes behind: what happened at noon bears the time ten to twelve."""
    noon = datetime.now(UTC) - timedelta(days=3)
    site.change("T-1", noon - timedelta(minutes=10))
    site.change("T-0", noon - timedelta(minutes=16))
    async with launch() as running:
        done = await command(running, "sync", "changes", "--since", noon.isoformat(), "--json")
        assert json.loads(done.stdout)["fetched"] == "1"


async def test_what_cannot_be_fetched_is_refused_with_its_reason(connected, launch, settings):
    settings["server"]["tokens"] = {
        "operator-of-acme-1": {"tenant": "acme", "name": "Ana", "roles": ["operator"]},
        "reader-of-default1": {"tenant": "default", "name": "Ben", "roles": ["reader"]},
        "operator-of-defa-1": {"tenant": "default", "name": "Cem", "roles": ["operator"]},
    }
    request = connectors.SyncConnectorRequest(name="changes", since=Timestamp(seconds=1_700_000_000))
    async with launch() as running:
        stub = ConnectorServiceStub(running.channel)

        async def refusal(token: str, message: connectors.SyncConnectorRequest) -> grpc.StatusCode:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in stub.SyncConnector(message, metadata=(("authorization", f"Bearer {token}"),)):
                    pass
            return caught.value.code()

        assert await refusal("reader-of-default1", request) is grpc.StatusCode.PERMISSION_DENIED
        assert await refusal("operator-of-acme-1", request) is grpc.StatusCode.NOT_FOUND
        unknown = connectors.SyncConnectorRequest(name="other", since=request.since)
        assert await refusal("operator-of-defa-1", unknown) is grpc.StatusCode.NOT_FOUND
        undated = connectors.SyncConnectorRequest(name="changes")
        assert await refusal("operator-of-defa-1", undated) is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_trial_of_a_webhook_shows_the_event_and_the_decision_and_stores_nothing(
    connected, site, launch, redis_url
):
    change = {"id": 7, "ticket": "T-7", "updated": "2026-01-05T01:00:00+00:00", "text": "I complain"}
    async with launch() as running:
        tried = await command(running, "try", "changes", "-", input=json.dumps(change))
        assert tried.returncode == 0, tried.stderr
        lines = tried.stdout.splitlines()
        assert lines[:3] == [
            "request.received of T-7, by customer",
            "  id change/7, source changes, time 2026-01-05T01:00:00Z",
            "  text.body = I complain",
        ]
        assert "category = complaint" in lines[3]
        assert await tickets(running) == set()
        with redis.Redis.from_url(redis_url) as client:
            assert client.keys("ab:{default}:request:*") == []
            assert client.keys("ab:{default}:in") == [] or client.xlen("ab:{default}:in") == 0
        bad = await command(running, "try", "changes", "-", input=json.dumps({**change, "ticket": "line\nbreak"}))
        assert bad.returncode == 1
        assert "no decision: INVALID_FIELDS" in bad.stdout


async def test_a_trial_tells_what_was_decided_before_and_decides_several_events_one_after_the_other(
    connected, site, launch
):
    change = site.change("T-1")
    async with launch() as running:

        async def decided() -> bool:
            return await tickets(running) == {"T-1"}

        await eventually(decided)
        tried = await command(running, "try", "changes", "-", "--json", input=json.dumps(change))
        (event,) = json.loads(tried.stdout)["events"]
        assert (event["duplicate"], event["decision"]["sequence"]) == (True, "1")
        later = {**change, "id": 99, "updated": datetime.now(UTC).isoformat()}
        tried = await command(running, "try", "changes", "-", "--json", input=json.dumps(later))
        (event,) = json.loads(tried.stdout)["events"]
        assert event["decision"]["sequence"] == "2"
