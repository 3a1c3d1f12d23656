"""The whole way over real processes: a ticket that webhooks and polls tell of is decided once, and written back once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import httpx2
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby_connectors.kit.notes.marker import find_marker
from tests.kit.http_server import Call, Server
from tests.kit.patience import eventually
from tests.kit.places import RULES
from tests.kit.platforms.hubspot import HOOK, SECRET, TICKET, TOKEN, HubSpot, signed
from tests.kit.served import serving


class Present(HubSpot):
    """A HubSpot account whose time is now."""

    def handle(self, call: Call) -> Any:
        self.now = max(self.now, datetime.now(UTC))
        return super().handle(call)


@pytest.fixture
async def site() -> AsyncIterator[tuple[HubSpot, Server]]:
    hubspot, server = Present(), Server()
    server.handler = hubspot.handle
    await server.start()
    yield hubspot, server
    await server.stop()


@pytest.fixture
def settings(redis_url: str, tmp_path, site, hook_port: int) -> dict[str, Any]:
    hooks = {"webhook_url": HOOK, "webhook_secrets": [SECRET]}
    connector = {
        "name": "desk",
        "type": "hubspot",
        "sources": ["hubspot/desk"],
        "settings": {"url": site[1].url, "token": TOKEN, "poll_seconds": 1, "settle": 0.0, **hooks},
    }
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 2},
        "http": {"listen": f"127.0.0.1:{hook_port}"},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path)},
        "rules": {"folder": str(RULES)},
        "metrics": {"listen": None},
        "connectors": [connector],
    }


async def test_webhooks_and_polls_decide_once_and_write_once(settings, site, hook_port):
    hubspot, server = site
    hubspot.now = datetime.now(UTC)
    hubspot.created = hubspot.updated = hubspot.time
    for entries in hubspot.history.values():
        entries[0]["timestamp"] = hubspot.time

    async def post(told: list[dict[str, Any]]) -> int:
        headers, body = signed(told)
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"http://127.0.0.1:{hook_port}/hook/desk", content=body, headers=headers)
        return answer.status_code

    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        assert [await post(hubspot.hooks[:1]) for _ in range(2)] == [202, 202]
        await eventually(hubspot.notes, "the decision is written back")
        assert await post([one for one in hubspot.hooks if one["changeSource"] == "INTEGRATION"]) == 202
        hubspot.by_ana(hs_pipeline_stage="2")
        assert await post(hubspot.hooks[-1:]) == 202
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)

            async def decided() -> list[str]:
                asked = pb.GetRequestRequest(request_id=TICKET, decision_limit=50)
                return [one.event_type for one in (await stub.GetRequest(asked)).decisions]

            async def held() -> bool:
                return "request.on_hold" in await decided()

            await eventually(held, "the change of the stage is decided")
            asked = len(server.calls)
            await eventually(lambda: sum(call.path.endswith("/search") for call in server.calls[asked:]) >= 3)
            kinds = await decided()
        assert await asyncio.to_thread(served.stop) == 0
    assert [kinds.count(kind) for kind in ("request.received", "request.on_hold", "request.updated")] == [1, 1, 0]
    assert hubspot.properties["hs_ticket_priority"] == "URGENT"
    effects = Counter(marker.effect_id for note in hubspot.notes() if (marker := find_marker(note)) is not None)
    assert max(effects.values()) == 1
