"""Delivery of outbox entries to their connectors: at least once on the wire, once in effect.

A worker leases an entry with a fencing token, delivers the entry, and completes it with that token. So a worker that
seemed dead cannot complete an entry of another worker. After an unknown outcome or an expired lease the next attempt
reads before it writes. Every entry ends as done, or in the dead letters with its reason.

What an attempt tells of the platform as a whole is kept in the store, where all workers see it: a wait that it asked
for, an outage, a refusal of the connector. After each of them one attempt goes first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta

from answerby.domain.backoff import Backoff
from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.server.base.elapsed import elapsed
from answerby.server.base.loops import pause, repeat, spared
from answerby.server.base.services import Services
from answerby.server.flow.delivering.attempt import Attempt, where
from answerby.server.flow.delivering.delivery_options import DeliveryOptions, judge, report_of
from answerby.server.flow.delivering.delivery_reasons import reason_of
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.server.flow.delivering.tenure import Tenure
from answerby.store.connector_life import Became, DeliveryRecord, Report, Standing
from answerby.store.records import Completion, CompletionKind, Lease
from answerby_connectors.kit.base import LEASE_OVER, Outcome, OutcomeKind

DISABLED_SECONDS = 0.5
"""Interval of looks whether a connector can work that cannot now."""
BUDGET_SECONDS = 0.5
STRAYS = 100
"""Most entries of another tenant that are given up in one look."""
NOT_ITS_TENANT = "the connector belongs to another tenant"
DEAD = "dead"
LOST = "lost"
COMPLETE_ATTEMPTS = 5
COMPLETE_AGAIN = Backoff(first=0.1, most=1.6)


class DeliveryLoop:
    """Delivery loop with one lane for each connector. Lanes do not wait for one another."""

    def __init__(
        self,
        services: Services,
        connectors: Mapping[str, TenantConnector],
        options: Mapping[str, DeliveryOptions],
    ) -> None:
        """`options`: of each connector that delivers. `connectors` has it as soon as it can work."""
        self._stopping = asyncio.Event()
        self._running: asyncio.Future[None] | None = None
        self._lanes = [Lane(services, name, connectors, own) for name, own in sorted(options.items())]

    async def run(self) -> None:
        """Delivers until `drain` is called."""
        self._running = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.run(self._stopping))
        finally:
            self._running.set_result(None)

    async def drain(self) -> None:
        """Takes no more entries, waits for the running deliveries, then interrupts them. No lease stays."""
        self._stopping.set()
        if self._running is not None:
            await self._running


class Lane:
    """The deliveries of one connector, which serves one tenant."""

    def __init__(
        self, services: Services, name: str, connectors: Mapping[str, TenantConnector], options: DeliveryOptions
    ) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._name = name
        self._connectors = connectors
        self._options = options
        self._under_way: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        """Set after the end of a delivery, so that the next entry of its request may start."""
        self._next_look = 0.0
        """Time of the next look for entries of other tenants, by time.monotonic()."""

    async def run(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        await repeat(f"delivery {self._name}", self._step, stopping, self._services)
        await self._finish()

    async def _step(self) -> float:
        """Starts the deliveries that may start now, or waits a while. Returns the seconds until the next step."""
        owned = self._connectors.get(self._name)
        if owned is None:
            return DISABLED_SECONDS
        await self._bury_strays(owned.tenant)
        self._ended.clear()
        if not await self._start(owned):
            # The store is asked again before a long wait is over, since an operator may end the wait.
            await pause(self._ended, self._options.poll)
        return 0.0

    async def _start(self, owned: TenantConnector) -> bool:
        """Starts deliveries. False when there is none to start now."""
        options = self._options
        free = options.concurrency - len(self._under_way)
        if free <= 0 or owned.budget.wait > 0:
            return False
        asked = elapsed()
        probe = timedelta(seconds=options.rests.probe)
        offer = await self._store.outbox.offer(
            owned.tenant, self._name, options.lease, free, mark=owned.mark, rate=options.rate, probe=probe
        )
        if offer.standing is Standing.RESTING:
            # The platform's wait holds the polls too. It is told in short pieces, since an operator may end it.
            owned.budget.hold(min(offer.wait.total_seconds(), BUDGET_SECONDS))
        for lease in offer.leases:
            tenure = Tenure(asked, options.lease.total_seconds())
            task = asyncio.create_task(self._deliver(owned, lease, tenure))
            self._under_way.add(task)
            task.add_done_callback(self._end)
        return bool(offer.leases)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._ended.set()

    async def _bury_strays(self, own: str) -> None:
        """Gives up entries of other tenants in the queues of this connector, without a delivery.

        Routing makes no such entry. An older version did, and the configuration may give a connector to another tenant.
        """
        if time.monotonic() < self._next_look:
            return
        for tenant in await self._store.tenants.names():
            if tenant != own:
                with spared(f"delivery {self._name}", tenant, self._services):
                    for lease in await self._store.outbox.lease(tenant, self._name, self._options.lease, STRAYS):
                        await self._bury(lease)
        self._next_look = time.monotonic() + self._options.stray_look

    async def _bury(self, lease: Lease) -> None:
        outcome = Outcome(OutcomeKind.FAILED, NOT_ITS_TENANT)
        if await self._complete(lease, Completion.dead(NOT_ITS_TENANT), Report(), outcome) is not Became.LOST:
            self._report(lease, outcome, time.monotonic(), DEAD)

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._options.drain)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _deliver(self, owned: TenantConnector, lease: Lease, tenure: Tenure) -> None:
        if lease.entry.tenant != owned.tenant:
            await self._bury(lease)
            return
        started = time.monotonic()
        try:
            outcome = await Attempt(self._services, owned.connector, lease, tenure, self._options).outcome()
        except asyncio.CancelledError:
            stopped = Outcome(OutcomeKind.UNKNOWN, "stopped while it was under way")
            again = Completion.retry(timedelta(), unknown=True, reason=stopped.detail)
            await self._complete(lease, again, Report(), stopped)
            self._report(lease, stopped, started)
            raise
        if outcome is LEASE_OVER:
            # The process was frozen. The entry comes again by itself, to this worker or to another.
            self._report(lease, outcome, started, LOST)
            return
        if outcome is None:
            self._report(lease, Outcome(OutcomeKind.UNKNOWN, "another worker took it over"), started, LOST)
            return
        completion = judge(lease, outcome, self._options, self._now())
        report = report_of(outcome, self._options, owned.mark)
        became = await self._complete(lease, completion, report, outcome)
        self._report(lease, outcome, started, LOST if became is Became.LOST else "")
        if became is not Became.LOST and completion.kind is CompletionKind.DEAD:
            self._report(lease, Outcome(outcome.kind, completion.reason), started, DEAD)
        self._tell(owned, became, outcome)

    async def _complete(self, lease: Lease, completion: Completion, report: Report, outcome: Outcome) -> Became:
        """Completes the entry. LOST for a lost lease or a missing store; then another attempt reads first."""
        record = record_of(lease, completion, outcome)
        for attempt in range(1, COMPLETE_ATTEMPTS + 1):
            try:
                return await self._store.outbox.complete(lease, completion, report, record)
            except StoreUnavailable as error:
                self._logger.warning("outcome not stored yet", **where(lease), reason=error.reason)
                await asyncio.sleep(COMPLETE_AGAIN.wait(attempt))
            except AnswerbyError as error:
                self._logger.error("outcome not stored", **where(lease), reason=error.message)  # noqa: TRY400
                return Became.LOST
        return Became.LOST

    def _tell(self, owned: TenantConnector, became: Became, outcome: Outcome) -> None:
        """Logs what became of the connector as a whole."""
        place = {"connector": self._name, "tenant": owned.tenant}
        match became:
            case Became.HELD:
                self._logger.error("connector held", **place, reason=outcome.detail)
            case Became.RESTS:
                self._logger.warning("connector rests", **place, reason=outcome.detail, seconds=outcome.retry_after)
            case Became.BACK:
                self._logger.info("connector is back", **place)

    def _report(self, lease: Lease, outcome: Outcome, started: float, verdict: str = "") -> None:
        name = verdict or outcome.kind.value
        self._metrics.delivery(self._name, name)
        if verdict == DEAD:
            self._metrics.dead_letter("effect")
        elif name != OutcomeKind.DONE:
            self._metrics.refused(self._name, name, reason_of(outcome.detail))
        log = self._logger.error if verdict == DEAD else self._logger.info
        log(
            "effect given up" if verdict == DEAD else "effect delivered" if name == "done" else "effect not delivered",
            **where(lease),
            attempt=lease.entry.attempts + 1,
            outcome=name,
            reason=outcome.detail,
            seconds=round(time.monotonic() - started, 4),
        )


def record_of(lease: Lease, completion: Completion, outcome: Outcome) -> DeliveryRecord:
    """The end of an attempt, for the record of the request."""
    entry, dead = lease.entry, completion.kind is CompletionKind.DEAD
    return DeliveryRecord(
        connector=entry.connector,
        effect_id=entry.effect_id,
        kind=entry.effect.kind,
        key=entry.effect.key,
        sequence=entry.decision_sequence,
        outcome=DEAD if dead else outcome.kind.value,
        detail=completion.reason if dead else outcome.detail,
        refused=outcome.refused,
    )
