"""Two tenants, each with a connector of its own: nothing of one company reaches the other."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.domain.event import Event
from answerby.server import worker
from answerby.server.flow.arrivals import arrival
from answerby_connectors.kit.base import DONE, Guarantee, Manifest
from tests.kit.patience import eventually

ACME, GLOBEX = "token-of-acme-0001", "token-of-globex-01"


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


@pytest.fixture
def files(settings, tmp_path) -> dict[str, Path]:
    """A file for each tenant; acme is the default tenant, and its connector names none."""
    paths = {tenant: tmp_path / f"{tenant}.jsonl" for tenant in ("acme", "globex")}
    settings["server"] |= {"tokens": {ACME: "acme", GLOBEX: "globex"}, "default_tenant": "acme"}
    common = {"type": "file", "sources": ["*"], "effects": ["notify", "create_task", "open_case"]}
    settings["connectors"] = [
        {**common, "name": "first", "settings": {"path": str(paths["acme"])}},
        {**common, "name": "second", "tenant": "globex", "settings": {"path": str(paths["globex"])}},
    ]
    return paths


async def test_each_file_holds_the_effects_of_its_tenant_alone(files, launch, make_event, store):
    async with launch() as running:
        for token in (ACME, GLOBEX):
            for number in range(1, 4):
                event = make_event(number, facts={"text.body": "I complain"})
                await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event), metadata=bearer(token))

        async def delivered() -> bool:
            # Beside the updates, the timers of each request notify somebody after 2 s.
            kinds = [(path, line["request_id"], line["kind"]) for path in files.values() for line in lines(path)]
            return len({kind for kind in kinds if kind[2] == "notify"}) == 6

        await eventually(delivered)
    for tenant, path in files.items():
        assert {line["tenant"] for line in lines(path)} == {tenant}
        assert {line["request_id"] for line in lines(path)} == {"R-1", "R-2", "R-3"}
        assert await store.outbox.dead(tenant) == []


class Tickets:
    """A platform of one company, which counts who asks for its tickets."""

    manifest = Manifest("desk", frozenset(), Guarantee.EXACTLY_ONCE, inbound=True, description="")

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def receive(self, headers, body):
        return [
            Event(source="desk", id="w-1", type="request.received", time=datetime(2026, 1, 5, tzinfo=UTC),
                  request_id="T-1", tenant="acme")
        ]  # fmt: skip

    async def complete(self, event):
        self.asked.append((event.tenant, event.request_id))
        return event

    async def deliver(self, delivery):
        return DONE

    async def close(self):
        return None


@pytest.fixture
def desk(settings, monkeypatch):
    platform = Tickets()
    monkeypatch.setattr(worker, "build_connector", lambda *_: platform)
    settings["server"] |= {"tokens": {ACME: "acme", GLOBEX: "globex"}, "default_tenant": "acme"}
    settings["connectors"] = [{"name": "desk", "type": "desk", "tenant": "globex"}]
    settings["http"] = {"listen": "127.0.0.1:0"}
    return platform


async def test_what_a_connector_brings_belongs_to_its_tenant_whatever_the_event_says(desk, launch):
    async with launch() as running, httpx2.AsyncClient() as http:
        url = f"http://127.0.0.1:{running.worker.http_port}/hook/desk"
        assert (await http.post(url, json={})).status_code == 202

        async def seen(token: str) -> list[str]:
            page = await running.requests.ListRequests(pb.ListRequestsRequest(), metadata=bearer(token))
            return [request.request_id for request in page.requests]

        async def decided() -> bool:
            return await seen(GLOBEX) == ["T-1"]

        await eventually(decided)
        assert await seen(ACME) == []
    assert desk.asked == [("globex", "T-1")]


async def test_a_connector_of_another_tenant_completes_nothing(desk, launch, store):
    """As after a connector was given to another tenant while its events waited."""
    now = datetime.now(UTC)
    event = Event(tenant="acme", source="desk", id="w-9", type="request.received", time=now, request_id="T-9")
    await store.intake.enqueue("acme", [arrival(event, "acme", "desk"), arrival(event, "acme", "gone")])
    async with launch():

        async def given_up() -> bool:
            return len(await store.intake.dead("acme")) == 2

        await eventually(given_up)
    assert desk.asked == []
    assert {letter.reason for letter in await store.intake.dead("acme")} == {
        "the tenant has no connector of this name that could complete the event"
    }
