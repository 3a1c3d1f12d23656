"""A real platform behind a proxy in trouble: tickets are decided and written back once, whatever happens.

ANSWERBY_TEST_OUTAGE is the length of the outage, in seconds; by default 5.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import grpc.aio

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.conformance.play import AGAIN
from answerby_connectors.kit.base import Connector, Delivery, Outcome, OutcomeKind
from answerby_connectors.kit.notes.marker import find_marker
from tests.kit.http_server import Answer, Call, Fault, Late, Server
from tests.kit.patience import eventually
from tests.kit.places import RULES
from tests.kit.processes import alive, workers_of
from tests.kit.served import serving

TICKETS = 20
NOTICES = 50
AT_A_TIME = 4
"""Notices under way. A platform of few workers that gets more answers none of them in time."""
TIMEOUT, LATE = 3.0, 6.0
"""Seconds. Each write lands three seconds after it was given up."""
OUTAGE = float(os.environ.get("ANSWERBY_TEST_OUTAGE", "5"))
PASSED = ("authorization", "x-redmine-api-key", "content-type", "accept", "if-match")
"""The headers that the proxy passes on."""


class Site(Protocol):
    """The platform, as persons use it."""

    async def create(self, user: str) -> str:
        """The id of a new ticket of a customer, which tells of a fire."""
        ...

    async def is_urgent(self, number: str) -> bool:
        """Whether the ticket shows our priority P0."""
        ...

    async def notes(self, number: str) -> list[tuple[str, bool]]:
        """The texts said at the ticket after its start, and whether each is internal."""
        ...


class Proxy(Server):
    """Passes calls on to the platform. `slow`: each write lands late, and its answer never comes."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self.upstream = upstream
        self.handler = self.forward
        self.watch = self.trouble
        self.slow = False
        self.down = False
        self.lost = self.late = self.landed = 0

    def fail_for(self, seconds: float) -> None:
        self.down = True
        asyncio.get_running_loop().call_later(seconds, self._recover)

    def _recover(self) -> None:
        self.down = False

    def trouble(self, call: Call) -> Late | Fault | None:
        if self.down:
            self.lost += 1
            return Fault.RESET
        if call.method != "GET" and self.slow:
            self.late += 1
            return Late(LATE)
        return None

    async def forward(self, call: Call) -> Answer:
        answer = await asyncio.to_thread(self._ask, call)
        self.landed += call.method != "GET"
        return answer

    def _ask(self, call: Call) -> Answer:
        headers = {name: call.headers[name] for name in PASSED if name in call.headers}
        request = urllib.request.Request(self.upstream + call.path, call.body or None, headers, method=call.method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer_of(answer.status, answer.read(), answer.headers.get("etag"))
        except urllib.error.HTTPError as error:
            with error:
                return answer_of(error.code, error.read(), None)


def answer_of(status: int, body: bytes, etag: str | None) -> Answer:
    return Answer(status, {"etag": etag} if etag else {}, json.loads(body) if body.strip() else None)


def service_settings(redis_url: str, folder: str, kind: str, **connector: Any) -> dict[str, Any]:
    """The settings of a service of two workers with one connector. `connector`: what the connector's settings are."""
    settings = {"timeout": TIMEOUT, "poll_seconds": 1, **connector}
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 2},
        "store": {"redis_url": redis_url, "data_folder": folder},
        "rules": {"folder": str(RULES)},
        "metrics": {"listen": None},
        "connectors": [{"name": "desk", "type": kind, "sources": [f"{kind}/desk"], "settings": settings}],
    }


async def twenty_tickets_in_trouble(settings: dict[str, Any], site: Site, proxy: Proxy) -> None:
    """Slow writes all the way, a kill of everything after the first, and an outage. Prints what happened."""
    proxy.slow = True
    begun = time.monotonic()
    with serving(settings) as served:
        await asyncio.to_thread(served.address)
        numbers = [await site.create("wang") for _ in range(TICKETS // 2)]
        await eventually(lambda: proxy.late >= 3, "writes are under way")
        workers = workers_of(served.process.pid)
        await asyncio.to_thread(served.kill)
        await eventually(lambda: not any(map(alive, workers)), "the ports of the workers are free")
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        proxy.fail_for(OUTAGE)
        numbers += [await site.create("wang") for _ in range(TICKETS - len(numbers))]
        await eventually(lambda: not proxy.down and proxy.lost >= 3, "the outage is over")
        for number in numbers:

            async def written(number: str = number) -> bool:
                return await site.is_urgent(number) and bool(await site.notes(number))

            await eventually(written, f"ticket {number} is written back")
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)
            for number in numbers:
                reply = await stub.GetRequest(pb.GetRequestRequest(request_id=number, decision_limit=50))
                kinds = [decision.event_type for decision in reply.decisions]
                assert kinds.count("request.received") == 1
                assert "request.updated" not in kinds, "an own write came back as an event"
        assert await asyncio.to_thread(served.stop) == 0
    await eventually(lambda: proxy.landed >= proxy.late, "what is still under way lands")
    doubled = decided = 0
    for number in numbers:
        notes = [text for text, private in await site.notes(number) if private]
        assert len(notes) == len(await site.notes(number)), "a note is public"
        doubled += doubles(notes)
        decided += sum("answerby decision" in note for note in notes) == 1
    print(
        f"{len(numbers)} tickets, {decided} with one decision written back, 1 kill of everything, "
        f"an outage of {OUTAGE:g} s with {proxy.lost} lost calls, {proxy.late} writes delayed by {LATE:g} s with a "
        f"timeout of {TIMEOUT:g} s, {doubled} doubled notes, {time.monotonic() - begun:.0f} s"
    )
    assert (decided, doubled) == (len(numbers), 0)


async def fifty_slow_notices(connector: Connector, site: Site, proxy: Proxy) -> None:
    """Fifty notices to one ticket, each of which lands late. Prints what happened."""
    number = await site.create("wang")
    proxy.slow = True
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(effect_id: str) -> Outcome:
        effect = Effect(kind=EffectKind.NOTIFY, key="notice", payload={"text.en": f"notice {effect_id}"})
        async with gate:
            return await delivered(
                connector, Delivery(effect_id=effect_id, tenant="", request_id=number, effect=effect)
            )

    outcomes = await asyncio.gather(*(one(f"{at:032x}") for at in range(NOTICES)))
    await eventually(lambda: proxy.landed >= proxy.late, "what is still under way lands")
    notes = [text for text, _ in await site.notes(number)]
    print(f"{len(notes)} notices, {proxy.late} writes delayed by {LATE:g} s, {doubles(notes)} doubled notes")
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.DONE}
    assert (len(notes), doubles(notes)) == (NOTICES, 0)


async def delivered(connector: Connector, delivery: Delivery) -> Outcome:
    """The last outcome of the attempts that the server would make."""
    unknown = False
    while True:
        outcome = await connector.deliver(replace(delivery, previous_unknown=unknown))
        if outcome.kind not in AGAIN:
            return outcome
        unknown = unknown or outcome.kind is OutcomeKind.UNKNOWN
        delivery = replace(delivery, attempt=delivery.attempt + 1)


def doubles(notes: Sequence[str]) -> int:
    """The number of notes that are there although another has the same effect."""
    marks = [marker.effect_id for note in notes if (marker := find_marker(note))]
    return len(marks) - len(set(marks))
