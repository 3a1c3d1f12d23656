"""A platform that is asked for its changes: its server, which keeps them, and a connector for it as an author writes one.

The connector is also installed for worker processes, by `installed`.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from answerby.domain.effect import EffectKind
from answerby.domain.event import ActorRole, Event
from answerby_connectors.kit.base import (
    DONE,
    Guarantee,
    Manifest,
    Outcome,
    OutcomeKind,
    Page,
    PlatformRefuses,
    PlatformUnavailable,
    Settings,
    parse_settings,
)
from tests.kit.http_server import Answer, Call, Server

PAGE = 5
OVERLAP = timedelta(seconds=2)


class ChangesSite:
    """Keeps changes in the order of their times, by a clock that `ahead` moves, and notes every call."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead
        self.changes: list[dict[str, Any]] = []
        self.asked: list[tuple[float, str]] = []
        """Time by time.monotonic() and the process of every question."""
        self.written: list[float] = []
        self.refusals: list[Answer] = []
        """The next answers to questions, before any other."""
        self.write_refusals: list[Answer] = []
        self.server = Server()
        self.server.handler = self.handle

    @property
    def url(self) -> str:
        return self.server.url

    def change(self, ticket: str, when: datetime | None = None) -> dict[str, Any]:
        """Notes a change of a ticket, now or at `when` by the platform's clock."""
        at = when or datetime.now(UTC) + self.ahead
        change = {"id": len(self.changes) + 1, "ticket": ticket, "updated": at.isoformat(), "text": f"text of {ticket}"}
        self.changes.append(change)
        return change

    def handle(self, call: Call) -> Answer:
        if call.method == "POST":
            self.written.append(time.monotonic())
            return self.write_refusals.pop(0) if self.write_refusals else Answer(content={})
        self.asked.append((time.monotonic(), call.headers["x-process"]))
        if self.refusals:
            return self.refusals.pop(0)
        query = {name: values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}
        since = datetime.fromisoformat(query["from"])
        found = [change for change in self.changes if datetime.fromisoformat(change["updated"]) >= since]
        found.sort(key=lambda change: (change["updated"], change["id"]))
        first = int(query["offset"])
        rest = found[first:]
        return Answer(content={"changes": rest[:PAGE], "more": len(rest) > PAGE})


class ChangesSettings(Settings):
    url: str
    poll_seconds: float = 0.05


class ChangesConnector:
    """Asks with an overlap of two seconds. The cursor is where the pages begin, how many were read, and the newest."""

    def __init__(self, name: str, settings: dict[str, object]) -> None:
        self._settings = parse_settings(ChangesSettings, name, settings)
        self._client = httpx2.AsyncClient(trust_env=False, headers={"x-process": str(os.getpid())})
        self.manifest = Manifest(name, frozenset(EffectKind), Guarantee.AT_LEAST_ONCE, inbound=True, description="")

    @property
    def poll_seconds(self) -> float:
        return self._settings.poll_seconds

    async def poll(self, cursor: str, since: datetime) -> Page:
        start, offset, newest = json.loads(cursor) if cursor else (since.isoformat(), 0, "")
        try:
            answer = await self._client.get(
                f"{self._settings.url}/changes", params={"from": start, "offset": str(offset)}
            )
        except httpx2.TransportError as error:
            raise PlatformUnavailable(type(error).__name__) from error
        if answer.status_code != 200:
            if answer.status_code in (401, 403, 410):
                raise PlatformRefuses(f"HTTP {answer.status_code}")
            wait = answer.headers.get("retry-after")
            raise PlatformUnavailable(f"HTTP {answer.status_code}", float(wait) if wait else None)
        found = answer.json()
        events = tuple(self.event(change) for change in found["changes"])
        newest = max([newest, *(change["updated"] for change in found["changes"])])
        if found["more"]:
            return Page(events, json.dumps([start, offset + PAGE, newest]), more=True)
        if newest:
            start = (datetime.fromisoformat(newest) - OVERLAP).isoformat()
        return Page(events, json.dumps([start, 0, newest]))

    def receive(self, headers: Any, body: bytes) -> list[Event]:
        return [self.event(json.loads(body))]

    async def complete(self, event: Event) -> Event:
        return event

    def event(self, change: dict[str, Any]) -> Event:
        return Event(
            source="changes",
            id=f"change/{change['id']}",
            type="request.received",
            time=datetime.fromisoformat(change["updated"]),
            request_id=change["ticket"],
            actor=ActorRole.CUSTOMER,
            data={"text.body": change["text"]},
        )

    async def deliver(self, delivery: Any) -> Outcome:
        answer = await self._client.post(f"{self._settings.url}/tickets", json={"ticket": delivery.request_id})
        if answer.status_code == 429:
            return Outcome(OutcomeKind.RETRY, "HTTP 429", float(answer.headers["retry-after"]))
        return DONE

    async def close(self) -> None:
        await self._client.aclose()


def installed(site: Path) -> dict[str, str]:
    """Installs the connector as the type `changes` for processes with these variables, as pip does."""
    info = site / "changes-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: changes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[answerby.connectors]\nchanges = tests.kit.platforms.changes_site:ChangesConnector\n"
    )
    return {"PYTHONPATH": os.pathsep.join([str(site), str(Path(__file__).parents[3])])}
