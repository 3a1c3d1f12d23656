"""The stream of decisions: at least once, in order, resumable from every message.

The server reads the next decisions only after the client took the former ones, so a slow watcher costs no memory. A
watcher that falls behind the retained log gets OUT_OF_RANGE, never a silent gap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from answerby.api.v1 import request_service_pb2 as pb
from answerby.domain.errors import Draining
from answerby.server.base.services import Services
from answerby.server.rpc.decision_messages import decision_to
from answerby.server.rpc.values import set_instant
from answerby.store.records import LoggedDecision

READ_COUNT = 100
BLOCK_MS = 500
BOOKMARK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Watch:
    """The start and the filter of a watch. Empty sets mean all."""

    tenant: str
    resume_token: str = ""
    from_start: bool = False
    request_ids: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()

    def wants(self, logged: LoggedDecision) -> bool:
        decision = logged.decision
        if decision is None:
            # Nobody knows whose it is, so every watch hears of the gap.
            return True
        return (not self.request_ids or decision.request_id in self.request_ids) and (
            not self.priorities or str(decision.facts.get("priority")) in self.priorities
        )


class Watcher:
    """Serves watches from the decision log."""

    def __init__(self, services: Services, draining: asyncio.Event, bookmark_seconds: float = BOOKMARK_SECONDS) -> None:
        self._store = services.store
        self._now = services.clock
        self._draining = draining
        self._bookmark_seconds = bookmark_seconds

    async def follow(self, watch: Watch) -> AsyncIterator[pb.WatchDecisionsResponse]:
        """The messages of one watch, without end. Raises ResumeTokenExpired, Draining, InvalidInput."""
        position = await self._begin(watch)
        # The first message gives the position of the watch, so that a watch without decisions can be resumed too.
        yield _bookmark(position, self._now())
        last_sent = time.monotonic()
        while not self._draining.is_set():
            for logged in await self._store.log.read(watch.tenant, position, READ_COUNT, BLOCK_MS):
                position = logged.token
                if watch.wants(logged):
                    yield _message(logged, self._now())
                    last_sent = time.monotonic()
            if time.monotonic() - last_sent >= self._bookmark_seconds:
                yield _bookmark(position, self._now())
                last_sent = time.monotonic()
        raise Draining

    async def _begin(self, watch: Watch) -> str:
        if watch.resume_token:
            return watch.resume_token
        if watch.from_start:
            return await self._store.log.oldest_token(watch.tenant)
        return await self._store.log.latest_token(watch.tenant)


def _message(logged: LoggedDecision, now: datetime) -> pb.WatchDecisionsResponse:
    message = pb.WatchDecisionsResponse(resume_token=logged.token, unreadable=logged.unreadable)
    if logged.decision is not None:
        message.decision.CopyFrom(decision_to(logged.decision, now))
    set_instant(message.send_time, now)
    return message


def _bookmark(position: str, now: datetime) -> pb.WatchDecisionsResponse:
    message = pb.WatchDecisionsResponse(resume_token=position)
    set_instant(message.send_time, now)
    return message
