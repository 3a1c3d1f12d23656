"""What a connector that cannot work was to bring: its platform sends again, and what came before waits."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2

from answerby.domain.event import Event
from answerby.server.flow.arrivals import arrival
from tests.integration.server.test_connectors import entry
from tests.kit.patience import eventually


def event(number: int) -> Event:
    return Event(
        source="bulk", id=f"{number}", type="request.received", time=datetime.now(UTC), request_id=f"B-{number}"
    )


async def test_a_webhook_of_a_disabled_connector_is_to_be_sent_again(settings, launch):
    settings["connectors"] = [
        entry("desk", type="escalated", settings={"colour": "red"}),
        entry("off", type="escalated", enabled="off", settings={"colour": "red"}),
    ]
    settings["http"] = {"listen": "127.0.0.1:0"}
    async with launch() as running, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{running.worker.http_port}/hook/"
        refused = await client.post(url + "desk", json={})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["reason"] == "CONNECTOR_DISABLED"
        assert (await client.post(url + "off", json={})).status_code == 404


async def test_an_event_of_a_disabled_connector_waits_and_holds_up_no_other(settings, launch, store):
    settings["connectors"] = [entry("desk", type="escalated", settings={"colour": "red"})]
    await store.intake.open("default")
    await store.intake.enqueue("default", [arrival(event(1), "default", "desk"), event(2)])
    async with launch():

        async def one_waits() -> bool:
            depth = await store.intake.depth("default")
            return (depth.unread, depth.pending) == (0, 1)

        await eventually(one_waits)
        assert [entry.decision.id for entry in await store.log.read("default", count=10)] == ["B-2/1"]
        assert await store.intake.dead("default") == []
