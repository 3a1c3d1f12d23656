"""Due timers become events like any other, and are decided by the same process()."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from service.domain.errors import AnswerbyError
from service.domain.event import ActorRole, Event, EventType
from service.engine.virtual_clock import timer_event_id
from service.server.logs import Logger
from service.server.loops import repeat
from service.server.metrics import Metrics
from service.server.process import Origin, Processor, Submission, identity_hash
from service.server.rulebooks import RulebookHolder
from service.store.records import DueTimer
from service.store.store import Store

SOURCE = "answerby/timers"
LIMIT = 200
LONGEST_SLEEP = 1.0
"""Seconds; also the latest that a timer which another worker armed is noticed."""


class TimerLoop:
    """Claims what is due and has it decided. Any number of workers share the timers."""

    def __init__(
        self, store: Store, processor: Processor, rulebooks: RulebookHolder, metrics: Metrics, logger: Logger
    ) -> None:
        self._store = store
        self._processor = processor
        self._rulebooks = rulebooks
        self._metrics = metrics
        self._logger = logger

    async def run(self, stopping: asyncio.Event) -> None:
        """Fires timers until `stopping` is set."""
        await repeat("timers", self._step, stopping, self._logger)

    async def _step(self) -> float:
        """Fires what is due. Seconds until there is something to do again."""
        if self._rulebooks.active is None:
            return 0.2
        fired = 0
        for tenant in await self._store.tenants():
            due = await self._store.due_timers(tenant, datetime.now(UTC), LIMIT)
            fired += len(due)
            await self._fire(due)
        if fired:
            return 0.0
        return await self._until_next()

    async def _until_next(self) -> float:
        """Seconds until a timer that is known now can be claimed; at most LONGEST_SLEEP."""
        wait = LONGEST_SLEEP
        for tenant in await self._store.tenants():
            following = await self._store.next_timer_due(tenant)
            if following is not None:
                wait = min(wait, (following - datetime.now(UTC)).total_seconds())
        return max(0.005, wait)

    async def _fire(self, due: list[DueTimer]) -> None:
        now = datetime.now(UTC)
        ordered = sorted(due, key=lambda timer: (timer.timer.due, timer.request_id, timer.timer.id))
        submissions = [_submission(timer, now) for timer in ordered]
        for timer, fate in zip(ordered, await self._processor.process_many(submissions), strict=True):
            if isinstance(fate, AnswerbyError):
                self._logger.warning(
                    "timer not decided", tenant=timer.tenant, request_id=timer.request_id, reason=fate.reason
                )
            elif fate.decision is None or fate.duplicate:
                await self._store.drop_timer(timer)
            else:
                self._metrics.timer((now - timer.timer.due).total_seconds())


def _submission(due: DueTimer, now: datetime) -> Submission:
    # How late it fires depends on who claims it, so that is no part of what makes it the same event.
    event = timer_event(due, now)
    return Submission(event, Origin.TIMER, payload_hash=identity_hash(event), timer=due)


def timer_event(due: DueTimer, now: datetime) -> Event:
    """What a due timer says: the same event, with the same id, however often and wherever it is claimed."""
    timer = due.timer
    return Event(
        tenant=due.tenant,
        source=SOURCE,
        id=timer_event_id(due.request_id, timer),
        type=EventType.TIMER_DUE,
        time=timer.due,
        request_id=due.request_id,
        actor=ActorRole.SYSTEM,
        data={
            "timer.id": timer.id,
            "timer.clock": timer.clock,
            "timer.cycle": timer.cycle,
            "timer.step": timer.step,
            "timer.repeat": timer.repeat,
            "timer.late_by": max(0, int((now - timer.due).total_seconds())),
        },
    )
