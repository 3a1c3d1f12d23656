"""Delivery of outbox entries to their connectors: at least once on the wire, once in effect.

A worker leases an entry with a fencing token, delivers the entry, and completes it with that token. So a worker that
seemed dead cannot complete an entry of another worker. After an unknown outcome or an expired lease the next attempt
reads before it writes. Every entry ends as done, or in the dead letters with its reason.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from answerby.domain.backoff import Backoff
from answerby.domain.effect import Effect
from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.server.base.elapsed import elapsed
from answerby.server.base.loops import pause, repeat, spared
from answerby.server.base.services import Services
from answerby.server.flow.breaker import COOLDOWN, Breaker, BreakerState
from answerby.server.flow.budget import CallBudget
from answerby.server.flow.tenant_connector import TenantConnector
from answerby.server.flow.tenure import Tenure
from answerby.store.records import Completion, Lease
from answerby_connectors.kit.base import LEASE_OVER, Delivery, Outcome, OutcomeKind

DISABLED_SECONDS = 0.5
"""Interval of looks whether a connector can work that cannot now."""
STRAYS = 100
"""Most entries of another tenant that are given up in one look."""
NOT_ITS_TENANT = "the connector belongs to another tenant"
DEAD = "dead"
LOST = "lost"
NUMBER = "{number}"
"""Placeholder in texts for the request number, which only the commit of the decision sets."""
AGAIN = Backoff(first=1.0, most=600.0, jitter=1.0)
COMPLETE_ATTEMPTS = 5
COMPLETE_AGAIN = Backoff(first=0.1, most=1.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """Limits and waits of deliveries. Times without a unit are seconds."""

    concurrency: int = 8
    """Most deliveries at a time for one connector in one worker."""
    poll: float = 0.2
    """Interval of looks into an empty outbox."""
    lease: timedelta = timedelta(seconds=30)
    """Length of a lease. A delivery renews its lease after each third of this length."""
    attempt: float = 120.0
    """Longest time of one attempt. Afterwards the outcome is unknown."""
    backoff: Backoff = AGAIN
    """Wait between the attempts of one entry, unless the platform sets the wait."""
    max_attempts: int = 20
    give_up_after: timedelta = timedelta(hours=6)
    """Least age of an entry that is given up after `max_attempts`, so that a short outage loses no entry."""
    stray_look: float = 5.0
    """Interval of looks for entries of other tenants."""
    drain: float = 10.0
    """Time for running deliveries after a stop."""
    breaker_threshold: int = 5
    breaker_cooldown: Backoff = COOLDOWN


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
        self._breaker = Breaker(threshold=options.breaker_threshold, cooldown=options.breaker_cooldown)
        self._budget = CallBudget()
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
        self._budget = owned.budget
        await self._bury_strays(owned.tenant)
        if (wait := max(self._breaker.wait, self._budget.wait)) > 0:
            return wait
        free = self._breaker.allowed(self._options.concurrency - len(self._under_way))
        self._ended.clear()
        asked = elapsed()
        length = self._options.lease
        leases = await self._store.outbox.lease(owned.tenant, self._name, length, free) if free > 0 else []
        for lease in leases:
            self._breaker.begin()
            task = asyncio.create_task(self._deliver(owned, lease, self._tenure(asked)))
            self._under_way.add(task)
            task.add_done_callback(self._end)
        if not leases:
            await pause(self._ended, self._options.poll)
        return 0.0

    def _tenure(self, asked: float) -> Tenure:
        return Tenure(asked, self._options.lease.total_seconds())

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
        if await self._complete(lease, Completion.dead(NOT_ITS_TENANT)):
            self._report(lease, Outcome(OutcomeKind.FAILED, NOT_ITS_TENANT), time.monotonic(), DEAD)

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
            outcome = await self._attempt(owned, lease, tenure)
        except asyncio.CancelledError:
            interruption = Outcome(OutcomeKind.UNKNOWN, "stopped while it was under way")
            await self._complete(lease, Completion.retry(timedelta(), unknown=True, reason=interruption.detail))
            self._report(lease, interruption, started)
            raise
        if outcome is LEASE_OVER:
            # The process was frozen. The entry comes again by itself, to this worker or to another.
            self._breaker.abandon()
            self._report(lease, outcome, started, LOST)
            return
        if outcome is None:
            self._breaker.failure()
            self._report(lease, Outcome(OutcomeKind.UNKNOWN, "another worker took it over"), started, LOST)
            return
        self._note_platform(outcome)
        completion = judge(lease, outcome, self._options, self._now())
        held = await self._complete(lease, completion)
        self._report(lease, outcome, started, "" if held else LOST)
        if held and completion.kind == DEAD:
            self._report(lease, Outcome(outcome.kind, completion.reason), started, DEAD)

    async def _attempt(self, owned: TenantConnector, lease: Lease, tenure: Tenure) -> Outcome | None:
        """Outcome of one attempt, with renewals of the lease; None for a lease that was lost meanwhile."""
        work = asyncio.create_task(self._write(owned, lease, tenure))
        deadline = time.monotonic() + self._options.attempt
        renewal = self._options.lease.total_seconds() / 3
        try:
            while True:
                remaining = deadline - time.monotonic()
                await asyncio.wait({work}, timeout=max(0.0, min(renewal, remaining)))
                if work.done():
                    return self._result(lease, work)
                if remaining <= renewal:
                    return Outcome(OutcomeKind.UNKNOWN, f"no outcome within {self._options.attempt:g} s")
                if not await self._renew(lease, tenure):
                    return None
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=5.0)

    async def _write(self, owned: TenantConnector, lease: Lease, tenure: Tenure) -> Outcome:
        """Asks for the lease again after a freeze, right before the connector writes."""
        if not tenure.is_fresh() and not await self._renew(lease, tenure):
            return LEASE_OVER
        if not tenure.holds():
            return LEASE_OVER
        return await owned.connector.deliver(delivery_of(lease, tenure.holds))

    def _result(self, lease: Lease, work: asyncio.Task[Outcome]) -> Outcome:
        error = work.exception()
        if error is None:
            return work.result()
        if not isinstance(error, Exception):
            raise error
        # A fault of the server or the connector must not stop the other deliveries, and the log must show the fault.
        self._logger.error("connector failed", **self._where(lease), exc_info=error)
        return Outcome(OutcomeKind.UNKNOWN, type(error).__name__)

    async def _renew(self, lease: Lease, tenure: Tenure) -> bool:
        """Renews the lease. Without an answer of the store the lease holds as long as it surely did before."""
        asked = elapsed()
        try:
            held = await self._store.outbox.renew(lease, self._options.lease)
        except StoreUnavailable as error:
            self._logger.warning("lease not renewed", **self._where(lease), reason=error.reason)
            return tenure.holds()
        if held:
            tenure.renewed(asked)
        return held

    async def _complete(self, lease: Lease, completion: Completion) -> bool:
        """Completes the entry. Returns False for a lost lease or a missing store; then another attempt reads first."""
        for attempt in range(1, COMPLETE_ATTEMPTS + 1):
            try:
                return await self._store.outbox.complete(lease, completion)
            except StoreUnavailable as error:
                self._logger.warning("outcome not stored yet", **self._where(lease), reason=error.reason)
                await asyncio.sleep(COMPLETE_AGAIN.wait(attempt))
            except AnswerbyError as error:
                self._logger.error("outcome not stored", **self._where(lease), reason=error.message)  # noqa: TRY400
                return False
        return False

    def _note_platform(self, outcome: Outcome) -> None:
        """Notes the state of the platform that the outcome shows."""
        if outcome.kind in (OutcomeKind.DONE, OutcomeKind.FAILED):
            self._breaker.success()
        elif outcome.retry_after is not None and self._breaker.state is BreakerState.CLOSED:
            # A budget belongs to the account, not to the request, so the whole lane waits.
            self._budget.hold(outcome.retry_after)
        else:
            self._breaker.failure()
            if self._breaker.state is BreakerState.OPEN:
                self._logger.warning(
                    "connector rests", connector=self._name, seconds=round(self._breaker.wait, 1), reason=outcome.detail
                )

    def _report(self, lease: Lease, outcome: Outcome, started: float, verdict: str = "") -> None:
        name = verdict or outcome.kind.value
        self._metrics.delivery(self._name, name)
        if verdict == DEAD:
            self._metrics.dead_letter("effect")
        log = self._logger.error if verdict == DEAD else self._logger.info
        log(
            "effect given up" if verdict == DEAD else "effect delivered" if name == "done" else "effect not delivered",
            **self._where(lease),
            attempt=lease.entry.attempts + 1,
            outcome=name,
            reason=outcome.detail,
            seconds=round(time.monotonic() - started, 4),
        )

    def _where(self, lease: Lease) -> dict[str, str]:
        entry = lease.entry
        return {
            "connector": self._name,
            "tenant": entry.tenant,
            "request_id": entry.request_id,
            "effect_id": entry.effect_id,
        }


def delivery_of(lease: Lease, leased: Callable[[], bool]) -> Delivery:
    """`leased`: whether no other worker may deliver the effect now."""
    entry = lease.entry
    return Delivery(
        effect_id=entry.effect_id,
        tenant=entry.tenant,
        request_id=entry.request_id,
        number=entry.number,
        source=entry.source,
        sequence=entry.decision_sequence,
        effect=with_number(entry.effect, entry.number),
        attempt=entry.attempts + 1,
        previous_unknown=lease.previous_unknown,
        created=entry.created,
        leased=leased,
    )


def with_number(effect: Effect, number: str) -> Effect:
    """The effect with the request number in its texts."""
    texts = {name: value for name, value in effect.payload.items() if isinstance(value, str) and NUMBER in value}
    if not number or not texts:
        return effect
    replacements = {name: value.replace(NUMBER, number) for name, value in texts.items()}
    return msgspec.structs.replace(effect, payload={**effect.payload, **replacements})


def judge(lease: Lease, outcome: Outcome, options: DeliveryOptions, now: datetime) -> Completion:
    """Completion of the entry. An unknown outcome stays unknown until an attempt with a certain outcome."""
    entry, attempts = lease.entry, lease.entry.attempts + 1
    match outcome.kind:
        case OutcomeKind.DONE:
            return Completion.done()
        case OutcomeKind.FAILED:
            return Completion.dead(outcome.detail or "refused")
    if attempts >= options.max_attempts and now - entry.created >= options.give_up_after:
        return Completion.dead(f"given up after {attempts} attempts: {outcome.detail}")
    unknown = outcome.kind is OutcomeKind.UNKNOWN or lease.previous_unknown
    wait = timedelta(seconds=max(backoff(attempts, outcome.retry_after, options), outcome.settle))
    return Completion.retry(wait, unknown=unknown, reason=outcome.detail)


def backoff(attempts: int, retry_after: float | None, options: DeliveryOptions) -> float:
    """Seconds until the next attempt: the wait of the platform and a little more, or the wait of the options."""
    if retry_after is not None:
        return retry_after + random.uniform(0.0, min(1.0, 0.1 * retry_after))
    return options.backoff.wait(attempts)
