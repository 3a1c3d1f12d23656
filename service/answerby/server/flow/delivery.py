"""Delivery: what waits in the outbox goes to its connectors, at least once to the wire and once in effect.

An entry is leased with a fencing token, delivered, and completed with that token, so that a worker that was thought
dead cannot complete what another has taken over. An outcome that is unknown, and a lease that nobody completed, make
the next attempt read before it writes. Every entry is in the end done, or in the dead letters with its reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from answerby.domain.backoff import Backoff
from answerby.domain.effect import Effect
from answerby.domain.errors import StoreUnavailable
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.flow.breaker import COOLDOWN, Breaker, BreakerState
from answerby.store.records import Completion, Lease
from answerby_connectors.kit.base import Connector, Delivery, Outcome, OutcomeKind

DEAD = "dead"
LOST = "lost"
NUMBER = "{number}"
"""Stands in texts for the request number, which is only known once the decision is committed."""
AGAIN = Backoff(first=1.0, most=600.0, jitter=1.0)
COMPLETE_ATTEMPTS = 5
COMPLETE_AGAIN = Backoff(first=0.1, most=1.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """How patiently effects are delivered. Times are seconds unless they say otherwise."""

    concurrency: int = 8
    """Deliveries under way at one connector, in one worker."""
    poll: float = 0.2
    """How often the outbox is looked into while nothing waits there."""
    lease: timedelta = timedelta(seconds=30)
    """Renewed at a third of it while a delivery goes on."""
    attempt: float = 120.0
    """The longest that one attempt may take; then its outcome is unknown."""
    backoff: Backoff = AGAIN
    """Between the attempts of one entry, where the platform does not say how long to wait."""
    max_attempts: int = 20
    give_up_after: timedelta = timedelta(hours=6)
    """An entry dies when it has had so many attempts and is also that old: an outage alone kills nothing at once."""
    drain: float = 10.0
    """How long deliveries under way may go on after a stop."""
    breaker_threshold: int = 5
    breaker_cooldown: Backoff = COOLDOWN


class DeliveryLoop:
    """One lane per connector; lanes do not wait for one another."""

    def __init__(
        self,
        services: Services,
        connectors: Mapping[str, Connector],
        options: DeliveryOptions | None = None,
    ) -> None:
        self._stopping = asyncio.Event()
        self._running: asyncio.Future[None] | None = None
        self._lanes = [
            Lane(services, name, connector, options or DeliveryOptions())
            for name, connector in sorted(connectors.items())
        ]

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
        """Takes nothing more, waits for what is under way, then interrupts it; nothing stays leased."""
        self._stopping.set()
        if self._running is not None:
            await self._running


class Lane:
    """The deliveries of one connector."""

    def __init__(self, services: Services, name: str, connector: Connector, options: DeliveryOptions) -> None:
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._name = name
        self._connector = connector
        self._options = options
        self._breaker = Breaker(threshold=options.breaker_threshold, cooldown=options.breaker_cooldown)
        self._paused_until = 0.0
        """By time.monotonic(): the platform asked for patience."""
        self._under_way: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        """A delivery ended, so the next entry of its request may be taken."""
        self._turn = 0

    async def run(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        await repeat(f"delivery {self._name}", self._step, stopping, self._logger)
        await self._finish()

    async def _step(self) -> float:
        """Takes as much as may be taken now, or waits a while. Seconds until the next look."""
        if (wait := max(self._breaker.wait, self._paused_until - time.monotonic())) > 0:
            return wait
        free = self._breaker.allowed(self._options.concurrency - len(self._under_way))
        self._ended.clear()
        leases = await self._lease(free) if free > 0 else []
        for lease in leases:
            self._breaker.begin()
            task = asyncio.create_task(self._deliver(lease))
            self._under_way.add(task)
            task.add_done_callback(self._end)
        if not leases:
            await wait_for(self._ended, self._options.poll)
        return 0.0

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._ended.set()

    async def _lease(self, limit: int) -> list[Lease]:
        """From each tenant in turn, another one first each time."""
        tenants = await self._store.tenants.names()
        self._turn += 1
        start = self._turn % max(1, len(tenants))
        leases: list[Lease] = []
        for tenant in tenants[start:] + tenants[:start]:
            if len(leases) < limit:
                leases += await self._store.outbox.lease(tenant, self._name, self._options.lease, limit - len(leases))
        return leases

    async def _finish(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._options.drain)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _deliver(self, lease: Lease) -> None:
        started = time.monotonic()
        try:
            outcome = await self._attempt(lease)
        except asyncio.CancelledError:
            stopped = Outcome(OutcomeKind.UNKNOWN, "stopped while it was under way")
            await self._complete(lease, Completion.retry(self._now(), unknown=True, reason=stopped.detail))
            self._report(lease, stopped, started)
            raise
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

    async def _attempt(self, lease: Lease) -> Outcome | None:
        """One attempt under a lease that is kept alive; None when the lease was lost."""
        work = asyncio.create_task(self._connector.deliver(delivery_of(lease)))
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
                if not await self._renew(lease):
                    return None
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=5.0)

    def _result(self, lease: Lease, work: asyncio.Task[Outcome]) -> Outcome:
        error = work.exception()
        if error is None:
            return work.result()
        if not isinstance(error, Exception):
            raise error
        # A mistake of ours or of the connector's: it must not stop the other deliveries, and it must be seen.
        self._logger.error("connector failed", **self._where(lease), exc_info=error)
        return Outcome(OutcomeKind.UNKNOWN, type(error).__name__)

    async def _renew(self, lease: Lease) -> bool:
        """While the store is away nobody else can take the lease either."""
        try:
            return await self._store.outbox.renew(lease, self._options.lease)
        except StoreUnavailable as error:
            self._logger.warning("lease not renewed", **self._where(lease), reason=error.reason)
            return True

    async def _complete(self, lease: Lease, completion: Completion) -> bool:
        """False when the lease was lost, or the store stayed away: then the entry comes again, to be read first."""
        for attempt in range(1, COMPLETE_ATTEMPTS + 1):
            try:
                return await self._store.outbox.complete(lease, completion)
            except StoreUnavailable as error:
                self._logger.warning("outcome not stored yet", **self._where(lease), reason=error.reason)
                await asyncio.sleep(COMPLETE_AGAIN.wait(attempt))
        return False

    def _note_platform(self, outcome: Outcome) -> None:
        """What the outcome says about the platform as a whole."""
        if outcome.kind in (OutcomeKind.DONE, OutcomeKind.FAILED):
            self._breaker.success()
        elif outcome.retry_after is not None and self._breaker.state is BreakerState.CLOSED:
            # A budget is of the account, not of the request: the whole lane waits.
            self._paused_until = max(self._paused_until, time.monotonic() + outcome.retry_after)
        else:
            self._breaker.failure()
            if self._breaker.state is BreakerState.OPEN:
                self._logger.warning(
                    "connector rests", connector=self._name, seconds=round(self._breaker.wait, 1), reason=outcome.detail
                )

    def _report(self, lease: Lease, outcome: Outcome, started: float, verdict: str = "") -> None:
        name = verdict or outcome.kind.value
        self._metrics.delivery(self._name, name)
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


async def wait_for(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or that long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def delivery_of(lease: Lease) -> Delivery:
    entry = lease.entry
    return Delivery(
        effect_id=entry.effect_id,
        tenant=entry.tenant,
        request_id=entry.request_id,
        number=entry.number,
        source=entry.source,
        effect=with_number(entry.effect, entry.number),
        attempt=entry.attempts + 1,
        previous_unknown=lease.previous_unknown,
        created=entry.created,
    )


def with_number(effect: Effect, number: str) -> Effect:
    """The effect with the request number in its texts."""
    named = {name: value for name, value in effect.payload.items() if isinstance(value, str) and NUMBER in value}
    if not number or not named:
        return effect
    filled = {name: value.replace(NUMBER, number) for name, value in named.items()}
    return msgspec.structs.replace(effect, payload={**effect.payload, **filled})


def judge(lease: Lease, outcome: Outcome, options: DeliveryOptions, now: datetime) -> Completion:
    """What becomes of the entry. Unknown stays unknown until an attempt ends with certainty."""
    entry, attempts = lease.entry, lease.entry.attempts + 1
    match outcome.kind:
        case OutcomeKind.DONE:
            return Completion.done()
        case OutcomeKind.FAILED:
            return Completion.dead(outcome.detail or "refused")
    if attempts >= options.max_attempts and now - entry.created >= options.give_up_after:
        return Completion.dead(f"given up after {attempts} attempts: {outcome.detail}")
    unknown = outcome.kind is OutcomeKind.UNKNOWN or lease.previous_unknown
    wait = timedelta(seconds=backoff(attempts, outcome.retry_after, options))
    return Completion.retry(now + wait, unknown=unknown, reason=outcome.detail)


def backoff(attempts: int, retry_after: float | None, options: DeliveryOptions) -> float:
    """Seconds: what the platform asked for and a little more, or what the options say."""
    if retry_after is not None:
        return retry_after + random.uniform(0.0, min(1.0, 0.1 * retry_after))
    return options.backoff.wait(attempts)
