"""One run of a case: a stage, its server and the connectors that meet it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from answerby_connectors.conformance.stage import Stage
from answerby_connectors.conformance.wire import Call, Fault, Server
from answerby_connectors.kit.base import Connector, Delivery, Outcome, OutcomeKind

PATIENT, IMPATIENT = 60.0, 0.3
"""Seconds to wait for an answer: on any machine long enough, and short, for answers that never come."""
ATTEMPTS = 100
AGAIN = (OutcomeKind.RETRY, OutcomeKind.UNKNOWN, OutcomeKind.HELD)
"""The outcomes after which the server tries again, HELD after an operator let the connector go on."""


class Play:
    """The attempts of the delivery loop, without a store."""

    def __init__(self, stage: Stage, server: Server, patience: float, settle: float) -> None:
        self.stage = stage
        self.server = server
        self.attempts = 0
        self._patience = patience
        self._settle = settle
        self._connectors: list[Connector] = []
        self.connector = self.another()

    def another(self) -> Connector:
        """A new connector with the same settings, as of another worker or after a crash."""
        self.connector = self.stage.connect(self.server.url, timeout=self._patience, settle=self._settle)
        self._connectors.append(self.connector)
        return self.connector

    async def deliver(self, effect_id: str = "a1" * 16, **fields: Any) -> list[Outcome]:
        """Attempts until the effect is done or failed; their outcomes."""
        outcomes: list[Outcome] = []
        unknown = fields.pop("previous_unknown", False)
        first = fields.pop("attempt", 1)
        for attempt in range(first, first + ATTEMPTS):
            delivery = self.stage.delivery(effect_id, attempt=attempt, previous_unknown=unknown, **fields)
            outcomes.append(await self.connector.deliver(delivery))
            if outcomes[-1].kind not in AGAIN:
                return outcomes
            unknown = unknown or outcomes[-1].kind is OutcomeKind.UNKNOWN
        raise AssertionError(f"no end after {ATTEMPTS} attempts: {outcomes[-1]}")

    async def crash(self, delivery: Delivery, at: int, *, handled: bool) -> bool:
        """Attempts, and dies at this call, before or after the platform handles it. False if there is no such call."""
        reached = asyncio.Event()
        handle, calls = self.server.handler, 0

        def watch(call: Call) -> Any:
            nonlocal calls
            calls += 1
            if calls != at + 1:
                return None
            if handled:
                handle(call)
            reached.set()
            return Fault.STOP

        self.server.watch = watch
        work = asyncio.ensure_future(self.connector.deliver(delivery))
        waiting = asyncio.ensure_future(reached.wait())
        await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        died = reached.is_set()
        work.cancel()
        await asyncio.wait({work})
        self.server.watch = lambda _: None
        return died

    async def close(self) -> None:
        for connector in self._connectors:
            await connector.close()


@contextlib.asynccontextmanager
async def playing(
    stage: Stage, *, patience: float = PATIENT, settle: float = 0.0, server: Server | None = None
) -> AsyncIterator[Play]:
    """A play on a running server, and its end. `patience`: the connector's timeout, in seconds."""
    running = server or Server()
    running.handler = stage.handle
    await running.start()
    play = Play(stage, running, patience, settle)
    try:
        yield play
    finally:
        await play.close()
        await running.stop()
        stage.close()
