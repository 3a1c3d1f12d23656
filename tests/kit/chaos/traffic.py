"""Clients that send events, each until it is acknowledged, and the ledger of what was acknowledged to them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import grpc
import grpc.aio

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import resources_pb2 as resources
from answerby.domain.backoff import Backoff
from tests.kit.clients import AGAIN
from tests.kit.patience import PATIENCE

STEPS = ("request.received", "request.updated", "request.blocked", "request.replied")
MONDAY = 1772416800
"""2026-03-02 10:00 in Shanghai, as epoch seconds."""
WAIT = Backoff(first=0.05, most=1.0, jitter=0.5)
CALL_SECONDS = 5.0
PACE_SECONDS = 0.1
"""The pause of a client after a reply, so that a long run has as many requests as can be looked through."""
BATCH = 4
OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
]
"""Each client has a connection of its own, and tries to connect again about as often as it sends again."""
LEFT_OPEN = {grpc.StatusCode.UNAVAILABLE.value[0], grpc.StatusCode.ABORTED.value[0]}
"""The codes of the events of a batch that are to be sent again."""


class Acknowledged(NamedTuple):
    """What the service answered to one event."""

    event_id: str
    request_id: str
    sequence: int
    number: str


class Ledger:
    """What was acknowledged, and what came instead."""

    def __init__(self) -> None:
        self.acknowledged: list[Acknowledged] = []
        self.by_request: dict[str, list[Acknowledged]] = defaultdict(list)
        self.refusals: Counter[str] = Counter()
        """Replies after which an event was sent again, by the name of their code."""

    def note(self, event: resources.Event, decision: resources.Decision) -> None:
        entry = Acknowledged(event.id, decision.request_id, decision.sequence, decision.number)
        self.acknowledged.append(entry)
        self.by_request[entry.request_id].append(entry)


class Client:
    """Sends the events of requests of its own. One with an odd name sends batches."""

    def __init__(self, name: int, address: str, ledger: Ledger) -> None:
        self._name = name
        self._address = address
        self._ledger = ledger

    async def run(self, stopping: asyncio.Event) -> None:
        """Begins requests until `stopping` is set, and finishes each that it has begun."""
        async with grpc.aio.insecure_channel(self._address, options=OPTIONS) as channel:
            stub = rpc.RequestServiceStub(channel)
            serial = 0
            while not stopping.is_set():
                together = BATCH if self._name % 2 else 1
                requests = [f"R-{self._name}-{serial + n}" for n in range(together)]
                serial += together
                for step in range(len(STEPS)):
                    events = [event(request_id, step) for request_id in requests]
                    await (self._send_many(stub, events) if together > 1 else self._send(stub, events[0]))
                    await asyncio.sleep(PACE_SECONDS)

    async def _send(self, stub: Any, message: resources.Event) -> None:
        reply = await self._insist(stub.SubmitEvent, pb.SubmitEventRequest(event=message))
        self._ledger.note(message, reply.decision)

    async def _send_many(self, stub: Any, messages: Sequence[resources.Event]) -> None:
        deadline = time.monotonic() + PATIENCE
        left = list(messages)
        while left:
            reply = await self._insist(stub.SubmitEvents, pb.SubmitEventsRequest(events=left))
            again = []
            for message, result in zip(left, reply.results, strict=True):
                if result.code in LEFT_OPEN:
                    self._ledger.refusals[result.reason] += 1
                    again.append(message)
                else:
                    assert result.code == 0, f"{message.id}: {result.reason} {result.message}"
                    self._ledger.note(message, result.decision)
            left = again
            assert not left or time.monotonic() < deadline, f"not taken within {PATIENCE:g} s: {left[0].id}"
            if left:
                await asyncio.sleep(WAIT.first)

    async def _insist(self, call: Any, message: Any) -> Any:
        """The reply to a call that is sent again, with growing waits, while the service is away."""
        deadline = time.monotonic() + PATIENCE
        failures = 0
        while True:
            try:
                return await call(message, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() not in AGAIN:
                    raise
                self._ledger.refusals[error.code().name] += 1
            failures += 1
            assert time.monotonic() < deadline, f"no reply to {type(message).__name__} within {PATIENCE:g} s"
            await asyncio.sleep(WAIT.wait(failures))


def event(request_id: str, step: int) -> resources.Event:
    """The event of a step. Its id is nobody else's."""
    message = resources.Event(id=f"{request_id}/{step}", source="crm", type=STEPS[step], request_id=request_id)
    message.time.FromSeconds(MONDAY + step)
    message.actor = resources.ACTOR_AGENT
    if step == 0:
        message.facts["text.body"].string_value = "设备起火了"
    if step == 1:
        message.facts["customer.tier"].string_value = "vip"
    return message
