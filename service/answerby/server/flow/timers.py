"""Timers: due timers become ordinary events, and the same process() decides them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from answerby.domain.clock import TimerPurpose
from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, RecordUnreadable
from answerby.domain.event import Event
from answerby.domain.timer_event import timer_event
from answerby.engine.clocks.missed_reminders import CATCH_UP_LIMIT, waits_for_catch_up
from answerby.server.base.config import TimersConfig
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.base.store_clock import may_fire
from answerby.server.flow.processing.processor import Processor
from answerby.server.flow.processing.submission import Origin, Submission, identity_hash
from answerby.store.records import DueTimer

SOURCE = "answerby/timers"
TOGETHER = 100
"""Timers in one claim over all tenants. A small number gives early commits and lets workers share a burst."""
CLAIM = timedelta(seconds=5)
"""Time of a claim. Afterwards another worker takes the timers of a dead worker. A slow worker loses no timers."""
FEWEST = 4
"""Least limit of a claim for each tenant, for any number of tenants."""
LONGEST_SLEEP = 0.5
"""Longest sleep in seconds, and so the longest delay of a timer from another worker."""


class TimerLoop:
    """Claims due timers and submits their events. Any number of workers share the timers."""

    def __init__(self, services: Services, processor: Processor, settings: TimersConfig) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._processor = processor
        self._settings = settings

    async def run(self, stopping: asyncio.Event) -> None:
        """Fires timers until `stopping` is set."""
        await repeat("timers", self._step, stopping, self._services)

    async def _step(self) -> float:
        """Fires the due timers. Returns the seconds until the next step."""
        if not self._processor.ready:
            return 0.2
        if not may_fire(self._services):
            return LONGEST_SLEEP
        tenants = await self._store.tenants.names()
        limit = max(FEWEST, TOGETHER // max(1, len(tenants)))
        due = await self._store.timers.claim(tenants, limit=limit, length=CLAIM)
        if due:
            await self._fire(due)
            return 0.0
        wait = await self._store.timers.wait(tenants)
        if wait is None:
            return LONGEST_SLEEP
        return max(0.005, min(LONGEST_SLEEP, wait.total_seconds()))

    async def _fire(self, due: list[DueTimer]) -> None:
        ordered = sorted(due, key=lambda timer: (timer.timer.due, timer.request_id, timer.timer.id))
        submissions = [_submission(timer, self._settings) for timer in ordered]
        for timer, fate in zip(ordered, await self._processor.process_many(submissions), strict=True):
            if isinstance(fate, RecordUnreadable):
                # The timer waits until somebody mends its request. The dead list has the record.
                self._metrics.loop_failed("timers")
            elif isinstance(fate, AnswerbyError):
                self._logger.warning(
                    "timer not decided", tenant=timer.tenant, request_id=timer.request_id, reason=fate.reason
                )
            elif fate.decision is None or fate.duplicate:
                await self._store.timers.drop(timer)
            else:
                self._metrics.timer((timer.claimed - timer.timer.due).total_seconds())
                self._report(timer, fate.decision)

    def _report(self, timer: DueTimer, decision: Decision) -> None:
        """Counts the reminders that are held back, and logs each joint reminder of a request."""
        if decision.state is not None and waits_for_catch_up(decision.state, timer.timer.id):
            self._metrics.held_back()
        if timer.timer.purpose is TimerPurpose.CATCH_UP and decision.effects:
            counts = [e.payload.get("held_back") for e in decision.effects]
            self._logger.warning(
                "missed reminders told together",
                tenant=timer.tenant,
                request_id=timer.request_id,
                timer_id=timer.timer.id,
                count=sum(number for number in counts if isinstance(number, int)),
            )


def _submission(due: DueTimer, settings: TimersConfig) -> Submission:
    # The delay depends on the worker, so the delay is no part of the identity of the event.
    event = timer_event_of(due, settings)
    return Submission(event, Origin.TIMER, payload_hash=identity_hash(event), timer=due)


def timer_event_of(due: DueTimer, settings: TimersConfig) -> Event:
    """The event of a due timer. Every claim of the timer gives the same event id."""
    delay = max(0.0, (due.claimed - due.timer.due).total_seconds())
    event = timer_event(due.tenant, due.request_id, due.timer, int(delay))
    if delay >= settings.catch_up_after_seconds:
        # The limit is part of the event, so that a repeat gives the same decision.
        event.data[CATCH_UP_LIMIT] = settings.catch_up_limit
    return event
