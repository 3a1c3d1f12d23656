"""A real Redmine behind a proxy in trouble: twenty issues, each decided and written back once.

ANSWERBY_TEST_REDMINE_LOST is the length of the outage, in calls that are lost; by default 10.
"""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby_connectors.kit.notes.marker import find_marker
from tests.integration.connectors.test_redmine_platform import OWN_KEY, URL, pytestmark, site
from tests.kit.http_server import Answer, Call, Fault, Late, Server
from tests.kit.patience import eventually
from tests.kit.places import RULES
from tests.kit.served import serving

__all__ = ["pytestmark", "site"]
ISSUES = 20
TIMEOUT, LATE = 3.0, 6.0
"""Seconds. Each write lands three seconds after it was given up."""
LOST = int(os.environ.get("ANSWERBY_TEST_REDMINE_LOST", "10"))


class Proxy(Server):
    def __init__(self) -> None:
        super().__init__()
        self.handler = self.forward
        self.watch = self.trouble
        self.slow = True
        self.down = False
        self.lost = self.late = self.landed = 0

    def trouble(self, call: Call) -> Late | Fault | None:
        if self.down:
            self.lost += 1
            return Fault.RESET
        if call.method == "PUT" and self.slow:
            self.late += 1
            return Late(LATE)
        return None

    def forward(self, call: Call) -> Answer:
        self.landed += call.method == "PUT"
        headers = {name: call.headers[name] for name in ("x-redmine-api-key", "content-type") if name in call.headers}
        request = urllib.request.Request(URL + call.path, call.body or None, headers, method=call.method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer_of(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return answer_of(error.code, error.read())


def answer_of(status: int, body: bytes) -> Answer:
    return Answer(status, content=json.loads(body) if body.strip() else None)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def settings(redis_url, tmp_path, proxy) -> dict[str, Any]:
    connector = {
        "name": "desk",
        "type": "redmine",
        "sources": ["redmine/desk"],
        "settings": {
            "url": proxy.url,
            "key": OWN_KEY,
            "projects": ["support"],
            "markup": "textile",
            "timeout": TIMEOUT,
            "poll_seconds": 1,
        },
    }
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 2},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path)},
        "rules": {"folder": str(RULES)},
        "metrics": {"listen": None},
        "connectors": [connector],
    }


async def test_slow_writes_a_kill_of_everything_and_an_outage(settings, site, proxy):
    with serving(settings) as served:
        await asyncio.to_thread(served.address)
        numbers = [await site.create("wang") for _ in range(ISSUES // 2)]
        await eventually(lambda: proxy.late >= 3, "writes are under way")
        await asyncio.to_thread(served.kill)
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        proxy.down = True
        numbers += [await site.create("wang") for _ in range(ISSUES // 2)]
        await eventually(lambda: proxy.lost >= LOST, "the outage is met")
        proxy.down = False
        for number in numbers:

            async def written(number: str = number) -> bool:
                issue = await site.show(number)
                return issue["priority"]["name"] == "Urgent" and any(one.get("notes") for one in issue["journals"])

            await eventually(written, f"issue {number} is written back")
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)
            for number in numbers:
                reply = await stub.GetRequest(pb.GetRequestRequest(request_id=number, decision_limit=50))
                assert [d.event_type for d in reply.decisions].count("request.received") == 1
                assert "request.updated" not in [d.event_type for d in reply.decisions]
        assert await asyncio.to_thread(served.stop) == 0
    await eventually(lambda: proxy.landed >= proxy.late, "what is still under way lands")
    doubled = 0
    for number in numbers:
        issue = await site.show(number)
        notes = [one for one in issue["journals"] if one.get("notes")]
        marks = [marker.effect_id for one in notes if (marker := find_marker(one["notes"]))]
        doubled += len(marks) - len(set(marks))
        assert sum("answerby decision" in one["notes"] for one in notes) == 1
        assert all(one["private_notes"] for one in notes)
    assert doubled == 0
    print(f"{len(numbers)} issues, {proxy.late} late writes, {doubled} doubled notes")
