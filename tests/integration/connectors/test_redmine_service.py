"""The whole way over real processes: issues are polled, decided and written back once, whatever happens."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby_connectors.kit.notes.marker import find_marker
from tests.kit.http_server import Answer, Call, Fault, Late, Server
from tests.kit.patience import eventually
from tests.kit.places import RULES
from tests.kit.platforms.redmine import KEY, Redmine
from tests.kit.served import serving

ISSUES = 20
TIMEOUT, LATE, SETTLE = 1.0, 2.0, 2.0
"""Seconds: a late write lands a second after it was given up, and a second before anybody looks."""


class Present(Redmine):
    """A Redmine whose time is now."""

    def tick(self, seconds: int = 0) -> None:
        self.now = datetime.now(UTC)


class Site:
    """A Redmine behind a proxy in trouble."""

    def __init__(self) -> None:
        self.redmine = Present()
        self.server = Server()
        self.server.handler = self.redmine.handle
        self.server.watch = self.watch
        self.slow = 0
        """The number of writes that still land late."""
        self.down = False
        self.lost = 0

    def watch(self, call: Call) -> Late | Fault | Answer | None:
        if self.down:
            self.lost += 1
            return Fault.RESET if self.lost % 2 else Answer(503)
        if call.method == "PUT" and self.slow > 0:
            self.slow -= 1
            return Late(LATE)
        return None

    def effects(self, number: int) -> Counter[str]:
        """The effects whose notes the issue has."""
        found = (find_marker(note) for note in self.redmine.notes(number))
        return Counter(marker.effect_id for marker in found if marker is not None)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    await made.server.start()
    yield made
    await made.server.stop()


@pytest.fixture
def settings(redis_url: str, tmp_path, site: Site) -> dict[str, Any]:
    connector = {
        "name": "desk",
        "type": "redmine",
        "sources": ["redmine/desk"],
        "settings": {"url": site.server.url, "key": KEY, "timeout": TIMEOUT, "settle": SETTLE, "poll_seconds": 1},
    }
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 2},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path)},
        "rules": {"folder": str(RULES)},
        "metrics": {"listen": None},
        "connectors": [connector],
    }


async def test_twenty_issues_through_slow_writes_a_kill_of_everything_and_an_outage(settings, site):
    site.slow = 8
    with serving(settings) as served:
        await asyncio.to_thread(served.address)
        numbers = [site.redmine.new(f"充电器冒烟起火 {number}") for number in range(ISSUES // 2)]
        await eventually(lambda: site.slow < 6, "some writes are under way")
        await asyncio.to_thread(served.kill)
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        site.down = True
        numbers += [site.redmine.new(f"充电器冒烟起火 {number}") for number in range(ISSUES // 2, ISSUES)]
        await eventually(lambda: site.lost >= 4, "the outage is met")
        site.down = False

        def written() -> bool:
            return all(
                site.redmine.issues[number]["priority"]["name"] == "Urgent" and site.effects(number)
                for number in numbers
            )

        await eventually(written, "every issue is written back")
        polls = len(site.server.calls)
        await eventually(lambda: sum(call.path.startswith("/issues.json") for call in site.server.calls[polls:]) >= 3)
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)
            for number in numbers:
                asked = pb.GetRequestRequest(request_id=str(number), decision_limit=50)
                kinds = [decision.event_type for decision in (await stub.GetRequest(asked)).decisions]
                assert kinds.count("request.received") == 1
                assert "request.updated" not in kinds, "an own write came back as an event"
        assert await asyncio.to_thread(served.stop) == 0
    for number in numbers:
        assert max(site.effects(number).values()) == 1
        texts = [note for note in site.redmine.notes(number) if "answerby decision" in note]
        assert len(texts) == 1
        assert re.search(r"priority\\: P0", texts[0])
