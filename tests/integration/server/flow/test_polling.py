"""Polls against a platform on a real socket: every change is decided, none twice, whoever dies and whatever its clock."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc.aio
import httpx2
import pytest
import redis

from answerby.api.v1 import connector_service_pb2 as connectors
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.server import worker
from answerby.server.flow.delivering.standings import RESUME
from answerby_connectors.kit.base import Page
from tests.kit.http_server import Answer
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually
from tests.kit.platforms.changes_site import ChangesConnector, ChangesSite, installed
from tests.kit.processes import workers_of
from tests.kit.served import serving


@pytest.fixture
def polled(settings: dict[str, Any], site: ChangesSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker in this process, whose connector asks the site."""
    monkeypatch.setattr(worker, "build_connector", lambda name, _type, given: ChangesConnector(name, given))
    settings["connectors"] = [
        {"name": "changes", "type": "changes", "sources": ["changes"], "settings": {"url": site.url}}
    ]
    settings["http"] = {"listen": "127.0.0.1:0"}


async def decisions(requests: rpc.RequestServiceStub) -> dict[str, int]:
    """The number of events of every request."""
    page = await requests.ListRequests(pb.ListRequestsRequest(page_size=500))
    found = {}
    for request in page.requests:
        reply = await requests.GetRequest(pb.GetRequestRequest(request_id=request.request_id, decision_limit=200))
        found[request.request_id] = sum(decision.event_type == "request.received" for decision in reply.decisions)
    return found


async def test_every_change_is_decided_once_through_pages_and_overlaps(polled, site, launch):
    expected = {site.change(f"T-{number}")["ticket"]: 1 for number in range(12)}
    async with launch() as running:

        async def all_decided() -> bool:
            return await decisions(running.requests) == expected

        await eventually(all_decided)
        expected |= {site.change(f"T-{number}")["ticket"]: 1 for number in range(12, 15)}
        await eventually(all_decided)
        asked = len(site.asked)
        # The overlap brings the latest changes again and again.
        await eventually(lambda: len(site.asked) >= asked + 5)
        assert await decisions(running.requests) == expected
        counted = {
            sample.labels["result"]: sample.value
            for family in running.registry.collect()
            for sample in family.samples
            if sample.name == "answerby_polled_events_total"
        }
    assert counted["new"] == 15
    assert counted["known"] > 0


async def test_a_webhook_and_a_poll_of_one_change_decide_it_once(polled, site, launch):
    async with launch() as running, httpx2.AsyncClient() as http:
        hook = f"http://127.0.0.1:{running.worker.http_port}/hook/changes"
        for number in range(8):
            change = site.change(f"T-{number}")
            assert (await http.post(hook, json=change)).status_code == 202
        expected = {f"T-{number}": 1 for number in range(8)}

        async def all_decided() -> bool:
            return await decisions(running.requests) == expected

        await eventually(all_decided)
        asked = len(site.asked)
        await eventually(lambda: len(site.asked) >= asked + 3)
        assert await decisions(running.requests) == expected


@pytest.mark.parametrize("minutes", [10, -10])
async def test_the_clock_of_the_platform_may_be_ten_minutes_off(polled, site, launch, minutes):
    site.ahead = timedelta(minutes=minutes)
    async with launch() as running:
        for number in range(3):
            site.change(f"T-{number}")
            expected = {f"T-{n}": 1 for n in range(number + 1)}

            async def all_decided(expected: dict[str, int] = expected) -> bool:
                return await decisions(running.requests) == expected

            await eventually(all_decided)


async def test_a_wait_that_the_platform_sets_for_writes_holds_the_polls(polled, site, launch):
    site.write_refusals = [Answer(429, {"retry-after": "1.5"})]
    site.change("T-1")
    async with launch():
        await eventually(lambda: len(site.written) == 2)
        refused, second = site.written
        assert second - refused >= 1.5
        await eventually(lambda: site.asked[-1][0] > second)
    # A poll that was under way when the refusal came may still arrive.
    assert len([at for at, _ in site.asked if refused < at < refused + 1.5]) <= 1


async def test_a_platform_that_asks_for_a_wait_is_left_alone_so_long(polled, site, launch):
    site.refusals = [Answer(429, {"retry-after": "1.5"})]
    site.change("T-1")
    async with launch() as running:

        async def decided() -> bool:
            return await decisions(running.requests) == {"T-1": 1}

        await eventually(decided)
    first, second = (at for at, _ in site.asked[:2])
    assert second - first >= 1.5


async def test_a_broken_answer_is_asked_again_and_nothing_is_lost(polled, site, launch):
    site.refusals = [Answer(200, content={"unexpected": True}), Answer(500)]
    site.change("T-1")
    async with launch() as running:

        async def decided() -> bool:
            return await decisions(running.requests) == {"T-1": 1}

        await eventually(decided)
        assert '"KeyError"' in running.log.getvalue() or "KeyError" in running.log.getvalue()


async def test_what_of_a_page_could_not_be_read_is_told_and_the_rest_is_decided(polled, site, monkeypatch, launch):
    class Partial(ChangesConnector):
        async def poll(self, cursor: str, since: datetime) -> Page:
            return replace(await super().poll(cursor, since), problems=("ticket T-9: not what the API documents",))

    monkeypatch.setattr(worker, "build_connector", lambda name, _type, given: Partial(name, given))
    site.change("T-1")
    async with launch() as running:

        async def decided() -> bool:
            return await decisions(running.requests) == {"T-1": 1}

        await eventually(decided)
        assert "ticket T-9: not what the API documents" in running.log.getvalue()


@on_every_store
async def test_a_worker_that_is_killed_is_followed_and_no_change_is_lost_or_decided_twice(
    settings, site, redis_url, tmp_path
):
    settings["connectors"] = [
        {"name": "changes", "type": "changes", "sources": ["changes"], "settings": {"url": site.url}}
    ]
    settings["server"]["workers"] = 2
    expected = {}
    with serving(settings, environment=installed(tmp_path / "site")) as served:
        address = served.address()
        async with grpc.aio.insecure_channel(address) as channel:
            requests = rpc.RequestServiceStub(channel)
            await eventually(lambda: len(served.ready_workers()) == 2)
            for round_ in range(3):
                for number in range(7):
                    ticket = f"T-{round_}-{number}"
                    site.change(ticket)
                    expected[ticket] = 1
                asked = len(site.asked)
                await eventually(lambda asked=asked: len(site.asked) > asked)
                holder = int(site.asked[-1][1])
                alive = set(workers_of(served.process.pid))
                os.kill(holder, signal.SIGKILL)
                for number in range(7, 10):
                    ticket = f"T-{round_}-{number}"
                    site.change(ticket)
                    expected[ticket] = 1
                killed = time.monotonic()
                await eventually(
                    lambda killed=killed, holder=holder: any(
                        at > killed and int(process) != holder for at, process in site.asked
                    ),
                    f"another worker asks after {holder} of {alive} was killed",
                )

            async def all_decided() -> bool:
                try:
                    return await decisions(requests) == expected
                except grpc.aio.AioRpcError:
                    return False

            await eventually(all_decided)
            asked = len(site.asked)
            await eventually(lambda: len(site.asked) >= asked + 5)
            assert await decisions(requests) == expected


async def test_what_comes_again_after_the_memory_of_its_id_is_not_decided_again(polled, site, launch, redis_url):
    """Nine days ago the change was decided; the record of its id has ended. A webhook and a poll bring it once more."""
    past = datetime.now(UTC) - timedelta(days=9)
    changes = [site.change(f"T-{number}", past) for number in range(3)]
    async with launch() as running, httpx2.AsyncClient() as http:
        hook = f"http://127.0.0.1:{running.worker.http_port}/hook/changes"
        for change in changes:
            await http.post(hook, json=change)
        expected = {f"T-{number}": 1 for number in range(3)}

        async def all_decided() -> bool:
            return await decisions(running.requests) == expected

        await eventually(all_decided)
        with redis.Redis.from_url(redis_url) as client:
            forgotten = client.keys("ab:{default}:idem:*")
            assert client.delete(*forgotten) == 3
        for change in changes:
            await http.post(hook, json={**change, "updated": (past + timedelta(days=8)).isoformat()})

        async def all_handled() -> bool:
            counted = {
                tuple(sample.labels.values()): sample.value
                for family in running.registry.collect()
                for sample in family.samples
                if sample.name == "answerby_events_total"
            }
            return counted.get(("intake", "duplicate")) == 3

        await eventually(all_handled)
        assert await decisions(running.requests) == expected


async def test_a_platform_that_refuses_the_connector_is_asked_no_more_until_an_operator_says_so(polled, site, launch):
    site.change("T-1")
    site.refusals = [Answer(401), Answer(401)]
    async with launch() as running:
        operator = ConnectorServiceStub(running.channel)

        async def held() -> connectors.Connector | None:
            shown = (await operator.GetConnector(connectors.GetConnectorRequest(name="changes"))).connector
            return shown if shown.state == connectors.CONNECTOR_STATE_HELD else None

        for asked in (1, 2):
            shown = await eventually(held)
            assert shown.detail == f"HTTP 401; {RESUME} changes"
            assert shown.HasField("since_time")
            assert len(site.asked) == asked
            await operator.ResumeConnector(connectors.ResumeConnectorRequest(name="changes"))
            await eventually(lambda asked=asked: len(site.asked) > asked)

        async def decided() -> bool:
            return await decisions(running.requests) == {"T-1": 1}

        await eventually(decided)
        assert await held() is None
        assert running.log.getvalue().count('"event":"connector held"') == 2
