"""Own writes that come back set nothing by hand, whatever connector brings them and however often."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import grpc
import httpx2
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2 as resources
from answerby.domain.effect import EffectKind
from answerby.domain.event import ActorRole, Event
from answerby.server import worker
from answerby_connectors.kit.base import DONE, Guarantee, Manifest
from tests.kit.patience import eventually

US, PERSON = "17", "4"


class Journals:
    """A platform that writes journals. A webhook names one; nothing in it says whether answerby caused it."""

    manifest = Manifest("desk", frozenset({EffectKind.UPDATE_REQUEST}), Guarantee.EXACTLY_ONCE, True, "")

    def receive(self, headers, body):
        hook = json.loads(body)
        return [
            Event(
                source="desk",
                id=hook["id"],
                type=hook.get("type", "request.updated"),
                time=datetime.now(UTC) - timedelta(seconds=1),
                request_id="T-1",
                actor=ActorRole(hook.get("actor", "agent")),
                actor_id=hook.get("by", ""),
                data=hook.get("facts", {}),
            )
        ]

    async def complete(self, event):
        return event

    async def deliver(self, delivery):
        return DONE

    async def close(self):
        return None


class KnownJournals(Journals):
    """The same, by a connector that knows its account."""

    account = US


class Desk:
    """A server with that platform, and what it decided."""

    def __init__(self, running, http) -> None:
        self._running = running
        self._http = http
        self._url = f"http://127.0.0.1:{running.worker.http_port}/hook/desk"

    async def tells(self, id_: str, **hook) -> list[resources.Decision]:
        """Sends a webhook; returns the decisions since its event, oldest first."""
        reply = await self._http.post(self._url, json={"id": id_, **hook})
        assert reply.status_code == 202

        async def decided() -> bool:
            return any(d.event_id == id_ for d in await self.decisions())

        await eventually(decided)
        found = await self.decisions()
        return found[next(i for i, d in enumerate(found) if d.event_id == id_) :]

    async def calls(self, id_: str, source: str, actor: int, **facts: str) -> resources.Decision:
        """Submits an event by a call."""
        given = {name.replace("__", "."): resources.FactValue(string_value=value) for name, value in facts.items()}
        event = resources.Event(
            id=id_, source=source, type="request.updated", request_id="T-1", actor=actor, facts=given
        )
        event.time.FromDatetime(datetime.now(UTC))
        reply = await self._running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
        return reply.decision

    async def decisions(self) -> list[resources.Decision]:
        try:
            reply = await self._running.requests.GetRequest(pb.GetRequestRequest(request_id="T-1"))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return []
        return list(reversed(reply.decisions))


def flags(decision) -> list[str]:
    return [flag.code for flag in decision.flags]


def priority(decision) -> str:
    return decision.facts["priority"].string_value


@pytest.fixture
def served(settings, launch, monkeypatch):
    """Starts a server whose platform is served by this connector."""
    settings["connectors"] = [{"name": "desk", "type": "desk", "sources": ["desk"]}]
    settings["http"] = {"listen": "127.0.0.1:0"}
    settings["rules"]["engine"] = "reference"

    def start(platform):
        monkeypatch.setattr(worker, "build_connector", lambda *_: platform)
        return launch()

    return start


@pytest.mark.parametrize("platform", [Journals(), KnownJournals()])
async def test_two_journals_of_one_write_freeze_nothing(served, platform):
    """The case reported: a request at `low`, written back, told twice; then the customer complains and must be `high`."""
    async with served(platform) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        (first,) = await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "a question"})
        assert priority(first) == "low"
        for number in ("2", "3"):
            (echo,) = await desk.tells(number, by=US, facts={"override.priority": "low"})
            assert (priority(echo), flags(echo)) == ("low", ["OWN_WRITE"])
        (angry, *_) = await desk.tells(
            "4", type="request.supplemented", actor="customer", facts={"text.body": "I complain"}
        )
        assert priority(angry) == "high"
        # The second journal of the first write, long after the next one: by our account, or by a system.
        late = {"by": US} if isinstance(platform, KnownJournals) else {"actor": "system"}
        (stale, *_) = await desk.tells("5", **late, facts={"override.priority": "low"})
        assert (priority(stale), flags(stale)) == ("high", ["OWN_WRITE"])


async def test_a_lossy_way_back_sets_nothing(served):
    """Our account wrote `high`; the platform knows one word for high and top. The account sets nothing by hand."""
    async with served(KnownJournals()) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "I complain"})
        (echo, *_) = await desk.tells("2", by=US, facts={"override.priority": "top"})
        assert (priority(echo), flags(echo)) == ("high", ["OWN_WRITE"])


async def test_what_a_person_sets_stays_set(served):
    async with served(KnownJournals()) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "a question"})
        (same,) = await desk.tells("2", by=PERSON, facts={"override.priority": "low"})
        assert flags(same) == []
        (angry, *_) = await desk.tells(
            "3", type="request.supplemented", actor="customer", facts={"text.body": "I complain"}
        )
        assert priority(angry) == "low"
        (top, *_) = await desk.tells("4", by=PERSON, facts={"override.priority": "top"})
        assert (priority(top), flags(top)) == ("top", [])
        # Also the write-back of what the person set, and the person's word is not lost by it.
        (echo, *_) = await desk.tells("5", by=US, facts={"override.priority": "top"})
        assert (priority(echo), flags(echo)) == ("top", ["OWN_WRITE"])


async def test_a_due_time_comes_back_too(served):
    async with served(Journals()) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        (first,) = await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "a question"})
        due = first.clocks[0].due_time.ToDatetime(UTC)
        shanghai = due.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+08:00").tzinfo).isoformat()
        (echo,) = await desk.tells("2", actor="system", facts={"due.first_response": shanghai})
        assert flags(echo) == ["OWN_WRITE"]
        later = (due + timedelta(hours=1)).isoformat()
        (moved,) = await desk.tells("3", actor="system", facts={"due.first_response": later})
        assert flags(moved) == []
        assert moved.clocks[0].due_time.ToDatetime(UTC) == due + timedelta(hours=1)


async def test_calls_are_guarded_at_sources_that_are_written_back_by_name(served, settings, tmp_path):
    record = {"name": "record", "type": "file", "sources": ["*"], "settings": {"path": str(tmp_path / "all")}}
    settings["connectors"].append(record)
    async with served(Journals()) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "a question"})
        system, agent = resources.ACTOR_SYSTEM, resources.ACTOR_AGENT
        assert flags(await desk.calls("2", "desk/mirror", system, override__priority="low")) == ["OWN_WRITE"]
        assert flags(await desk.calls("3", "desk2", system, override__priority="low")) == []
        assert flags(await desk.calls("4", "desk", agent, override__priority="top")) == []
        lowered = await desk.calls("5", "desk", agent, override__priority="low")
        assert (priority(lowered), flags(lowered)) == ("low", [])


async def test_a_configured_account_is_ours(served, settings):
    settings["connectors"][0]["account"] = US
    async with served(Journals()) as running, httpx2.AsyncClient() as http:
        desk = Desk(running, http)
        await desk.tells("1", type="request.received", actor="customer", facts={"text.body": "a question"})
        (ours,) = await desk.tells("2", by=US, facts={"override.priority": "top"})
        (theirs,) = await desk.tells("3", by=PERSON, facts={"override.priority": "low"})
        assert (flags(ours), flags(theirs)) == (["OWN_WRITE"], [])
