"""The intake: reads events from the stream, completes them, decides them, and acknowledges them in the commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from answerby.domain.errors import AnswerbyError, EventIdReused, InvalidInput, RecordUnreadable, TimeOutOfRange
from answerby.domain.event import INTERNAL_SOURCE, Event
from answerby.server.base.config import Limits
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.base.validate import event_violations
from answerby.server.flow.arrivals import CONNECTOR_FACT, unmarked
from answerby.server.flow.delivering.roster import Roster
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.server.flow.parking import Parking
from answerby.server.flow.processing.processor import Processor
from answerby.server.flow.processing.submission import Origin, Processed, Submission, identity_hash, payload_hash
from answerby.store.records import IntakeEntry
from answerby_connectors.kit.base import AccountHolder, InboundConnector, PlatformUnavailable, PollingConnector

READ_COUNT = 100
OWN_COUNT = 1000
MOST_DELIVERIES = 5
"""Most deliveries of an event. An event with more may be the cause of dead workers."""
BLOCK_MS = 250
STALE = timedelta(seconds=5)
"""Age of entries that other workers take over from a dead worker. A second decision would be a known duplicate."""
STALE_EVERY_SECONDS = 2.0
MOST_PARKED = 2000
"""Most events that wait for their platforms in one worker. Further events wait in the stream."""
DISABLED_SECONDS = 1.0
"""Interval of looks whether a connector works again that is disabled."""
NO_CONNECTOR = "the tenant has no connector of this name that could complete the event"
PERMANENT = (InvalidInput, EventIdReused, TimeOutOfRange, RecordUnreadable)


class Intake:
    """One consumer of the intake stream of one tenant."""

    def __init__(
        self,
        services: Services,
        processor: Processor,
        connectors: Roster,
        limits: Limits,
        tenant: str,
        consumer: str,
    ) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._processor = processor
        self._connectors = connectors
        self._tenant = tenant
        self._consumer = consumer
        self._open = False
        self._limits = limits
        self._next_claim = 0.0
        self._parking = Parking()

    async def run(self, stopping: asyncio.Event) -> None:
        """Consumes events until `stopping` is set. The events of the last read are finished first."""
        await repeat("intake", self._step, stopping, self._services)

    async def _step(self) -> float:
        if not self._processor.ready:
            # Without rules the events wait in the stream, not in this worker.
            return 0.2
        if not self._open:
            await self._begin()
        if time.monotonic() >= self._next_claim:
            self._next_claim = time.monotonic() + STALE_EVERY_SECONDS
            await self._store.intake.hold(self._tenant, self._consumer, self._parking.stream_ids)
            await self._take_over()
        await self._handle(self._parking.take_due(time.monotonic()))
        if len(self._parking) >= MOST_PARKED:
            return BLOCK_MS / 1000
        await self._handle(await self._store.intake.read(self._tenant, self._consumer, READ_COUNT, BLOCK_MS))
        return 0.0

    async def _begin(self) -> None:
        """Handles the entries of a former process of this name first."""
        await self._store.intake.open(self._tenant)
        entries = await self._store.intake.read_own(self._tenant, self._consumer, OWN_COUNT)
        for entry in entries:
            if entry.deliveries > MOST_DELIVERIES:
                await self._give_up(entry, f"delivered {entry.deliveries} times")
        await self._handle([entry for entry in entries if entry.deliveries <= MOST_DELIVERIES])
        self._open = True

    async def _take_over(self) -> None:
        claim = await self._store.intake.claim_stale(
            self._tenant, self._consumer, STALE, max_deliveries=MOST_DELIVERIES
        )
        for stream_id in claim.poisoned:
            self._metrics.dead_letter("intake")
            self._logger.error("event given up", stream_id=stream_id, tenant=self._tenant, reason="never finished")
        for stream_id in claim.lost:
            self._logger.error("event lost from the stream", stream_id=stream_id)
        await self._handle(claim.entries)

    async def _handle(self, entries: Sequence[IntakeEntry]) -> None:
        if not entries:
            return
        submissions = await asyncio.gather(*(self._prepare(entry) for entry in entries))
        work = [
            (entry, submission)
            for entry, submission in zip(entries, submissions, strict=True)
            if submission is not None
        ]
        fates = await self._processor.process_many([submission for _, submission in work])
        for (entry, _), fate in zip(work, fates, strict=True):
            await self._conclude(entry, fate)

    async def _prepare(self, entry: IntakeEntry) -> Submission | None:
        """Submission of the entry; None when there is no event to decide, or not now."""
        if entry.event is None:
            await self._give_up(entry, entry.error)
            return None
        event, name = unmarked(entry.event)
        digest = payload_hash(event)
        if name:
            owned = self._owned(name)
            if owned is None:
                if self._connectors.waits(name):
                    self._parking.close(name, time.monotonic(), DISABLED_SECONDS)
                    self._parking.add(name, entry)
                    return None
                await self._give_up(entry, NO_CONNECTOR)
                return None
            completed = await self._complete(owned, name, event, entry)
            if completed is None:
                return None
            event = msgspec.structs.replace(completed, tenant=event.tenant)
            digest = identity_hash(event)
        follow_up = CONNECTOR_FACT not in entry.event.data and event.source.startswith(INTERNAL_SOURCE)
        if not follow_up and (violations := event_violations(event, self._limits)):
            await self._give_up(entry, InvalidInput(violations).message)
            return None
        return Submission(
            event,
            Origin.INTAKE,
            payload_hash=digest,
            stream_ack=entry.id,
            connector=name,
            account=self._account_of(name),
        )

    def _owned(self, name: str) -> TenantConnector | None:
        """The connector that brought an event; None for a connector of another tenant, and for one that brings none."""
        owned = self._connectors.get(name)
        if owned is None or owned.tenant != self._tenant:
            return None
        return owned if isinstance(owned.connector, InboundConnector | PollingConnector) else None

    def _account_of(self, name: str) -> str:
        """The account that the connector writes with; empty while it does not know."""
        connector = self._connectors[name].connector if name else None
        return connector.account if isinstance(connector, AccountHolder) else ""

    async def _complete(self, owned: TenantConnector, name: str, event: Event, entry: IntakeEntry) -> Event | None:
        """The complete event; None for a write of our own, and for an event that waits for its platform."""
        connector = owned.connector
        if not isinstance(connector, InboundConnector):
            return event
        self._parking.hold(name, time.monotonic(), owned.budget.wait)
        if self._parking.is_closed(name, time.monotonic()):
            self._parking.add(name, entry)
            return None
        try:
            completed = await connector.complete(event)
        except PlatformUnavailable as error:
            self._logger.warning("platform unavailable", connector=name, stream_id=entry.id, reason=error.reason)
            if error.retry_after is not None:
                owned.budget.hold(error.retry_after)
            self._parking.close(name, time.monotonic(), error.retry_after)
            self._parking.add(name, entry)
            return None
        except AnswerbyError as error:
            self._logger.warning(
                "event cannot be completed yet", connector=name, stream_id=entry.id, reason=error.reason
            )
            return None
        except Exception as error:
            # It comes again after a while, and is given up after a few deliveries.
            self._logger.exception("event not completed", connector=name, stream_id=entry.id, exc_info=error)
            return None
        self._parking.note_answer(name)
        if completed is None:
            await self._store.intake.acknowledge(entry.tenant, [entry.id])
        return completed

    async def _conclude(self, entry: IntakeEntry, fate: Processed | AnswerbyError) -> None:
        """Settles an entry that the commit did not acknowledge."""
        if isinstance(fate, Processed):
            if fate.duplicate:
                await self._store.intake.acknowledge(entry.tenant, [entry.id])
        elif isinstance(fate, PERMANENT):
            await self._give_up(entry, fate.message if isinstance(fate, RecordUnreadable) else fate.reason)
        else:
            self._logger.warning("event stays in the stream", stream_id=entry.id, reason=fate.reason)

    async def _give_up(self, entry: IntakeEntry, reason: str) -> None:
        self._metrics.dead_letter("intake")
        connector = unmarked(entry.event)[1] if entry.event is not None else ""
        self._logger.error(
            "event given up", stream_id=entry.id, tenant=entry.tenant, connector=connector, reason=reason
        )
        await self._store.intake.give_up(entry, reason)
