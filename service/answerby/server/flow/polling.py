"""Polls: one worker at a time asks each platform that is asked, and stores what is new in the intake.

The right to ask is a lease with a fencing token. The events of a page and the cursor after it are stored by one call
that the token guards. So a worker that was frozen stores nothing, and after a crash the page comes again. Events that
were decided before are left out, so overlaps of a cursor cost nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from answerby.domain.backoff import Backoff
from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.domain.event import Event
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.flow.arrivals import arrival, storable
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.store.polls import PollTaken, PollTurn
from answerby.store.store import Store
from answerby_connectors.kit.base import Page, PlatformRefuses, PlatformUnavailable, PollingConnector

LOOK_BACK = timedelta(minutes=15)
"""How far before its start a connector begins. The clock of a platform may be that far behind without a loss."""
IDLE_SECONDS = 0.5
"""Interval of looks whether a connector can work that cannot now, and whether it is one that asks."""
AGAIN = Backoff(first=1.0, most=5.0, jitter=0.5)
"""Wait after failed polls. A call in some seconds tells soon that an outage has ended, and costs a platform little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollOptions:
    """Limits and waits of polls. Times without a unit are seconds."""

    lease: timedelta = timedelta(seconds=10)
    """Length of a lease. The worker that polls renews it after each third of this length."""
    attempt: float = 120.0
    """Longest time for one page."""
    backoff: Backoff = AGAIN
    """Wait after a failed poll, unless the platform sets the wait."""

    @property
    def renewal(self) -> float:
        return self.lease.total_seconds() / 3


class PollingLoop:
    """One poller for each connector. Pollers do not wait for one another."""

    def __init__(
        self,
        services: Services,
        names: Iterable[str],
        connectors: Mapping[str, TenantConnector],
        options: PollOptions | None = None,
    ) -> None:
        """`names`: of every connector of the configuration. `connectors` has it as soon as it can work."""
        self._pollers = [Poller(services, name, connectors, options or PollOptions()) for name in sorted(names)]

    async def run(self, stopping: asyncio.Event) -> None:
        """Polls until `stopping` is set. Pages under way are then dropped; they come again."""
        async with asyncio.TaskGroup() as group:
            for poller in self._pollers:
                group.create_task(poller.run(stopping))


class Poller:
    """The polls for one connector in this worker."""

    def __init__(
        self,
        services: Services,
        name: str,
        connectors: Mapping[str, TenantConnector],
        options: PollOptions,
    ) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._name = name
        self._connectors = connectors
        self._options = options
        self._stopping = asyncio.Event()
        self._token = 0
        """The token of our lease; 0 while another worker polls."""
        self._due = 0.0
        """Time of the next poll, by time.monotonic()."""
        self._failures = 0
        self._tenant = ""
        """The tenant of the connector, once it was seen."""
        self._mark = ""
        """Stands for the settings of the connector."""

    async def run(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        await repeat(f"poll {self._name}", self._step, stopping, self._services)
        if self._token:
            try:
                await self._store.polls.release(self._tenant, self._name, self._token)
            except StoreUnavailable as error:
                self._logger.warning("lease not given back", connector=self._name, reason=error.reason)

    async def _step(self) -> float:
        """Stores one page, or waits a while with the lease. Returns the seconds until the next step."""
        owned = self._connectors.get(self._name)
        if owned is None or not isinstance(owned.connector, PollingConnector):
            return IDLE_SECONDS
        self._tenant = owned.tenant
        self._mark = owned.mark
        turn = await self._claim()
        if isinstance(turn, PollTaken):
            return min(max(turn.left.total_seconds(), 0.05), self._options.renewal)
        self._metrics.poll_lag(self._name, (self._services.clock() - turn.complete).total_seconds())
        wait = max(owned.budget.wait, turn.rest.total_seconds(), self._due - time.monotonic())
        if wait > 0:
            return min(wait, self._options.renewal)
        page = await self._page(owned.connector, owned, turn)
        if page is not None:
            await self._keep(turn, page, owned.connector.poll_seconds)
        return 0.0

    async def _claim(self) -> PollTurn | PollTaken:
        turn = await self._store.polls.claim(
            self._tenant, self._name, self._token, self._options.lease, LOOK_BACK, self._mark
        )
        token = turn.token if isinstance(turn, PollTurn) else 0
        if token and token != self._token:
            self._due = 0.0
            self._logger.info("polls begin", connector=self._name, tenant=self._tenant)
        self._token = token
        return turn

    async def _page(self, connector: PollingConnector, owned: TenantConnector, turn: PollTurn) -> Page | None:
        """The next page; None when the platform did not give it, or when the right to ask was lost meanwhile."""
        work = asyncio.ensure_future(connector.poll(turn.cursor, turn.since))
        try:
            if not await self._done(work):
                return None
            page = work.result()
        except StoreUnavailable:
            raise
        except PlatformRefuses as error:
            await self._hold(owned, turn, error)
        except AnswerbyError as error:
            retry_after = error.retry_after if isinstance(error, PlatformUnavailable) else None
            if retry_after is not None:
                owned.budget.hold(retry_after)
                await self._store.polls.rest(self._tenant, self._name, timedelta(seconds=retry_after))
            self._failed(error, retry_after)
        except Exception as error:
            # A fault of a connector must not stop the other parts of the worker, and the log must show the fault.
            self._logger.exception("poll failed", connector=self._name, exc_info=error)
            self._failed(PlatformUnavailable(type(error).__name__), None)
        else:
            self._failures = 0
            return page
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work}, timeout=5.0)
        return None

    async def _done(self, work: asyncio.Future[Page]) -> bool:
        """Waits for the page with renewals of the lease. False after a stop, and without the lease.

        Raises PlatformUnavailable when the page takes too long.
        """
        deadline = time.monotonic() + self._options.attempt
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            while time.monotonic() < deadline:
                wait: set[asyncio.Future[Any]] = {work, stop}
                await asyncio.wait(wait, timeout=self._options.renewal, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return True
                if stop.done() or isinstance(await self._claim(), PollTaken):
                    return False
        finally:
            stop.cancel()
        raise PlatformUnavailable(f"no page within {self._options.attempt:g} s")

    async def _hold(self, owned: TenantConnector, turn: PollTurn, error: PlatformRefuses) -> None:
        """Stops the polls of all workers. Waits for an operator, who is told once."""
        self._failures = 0
        self._due = 0.0
        self._metrics.poll(self._name, error.reason)
        if await self._store.polls.hold(turn, error.message, owned.mark, owned.probe):
            self._logger.error("connector held", connector=self._name, tenant=self._tenant, reason=error.message)

    def _failed(self, error: AnswerbyError, retry_after: float | None) -> None:
        self._failures += 1
        wait = self._options.backoff.wait(self._failures) if retry_after is None else retry_after
        self._due = time.monotonic() + wait
        self._metrics.poll(self._name, error.reason)
        self._logger.warning(
            "poll failed", connector=self._name, tenant=self._tenant, reason=error.reason, seconds=round(wait, 1)
        )

    async def _keep(self, turn: PollTurn, page: Page, seconds: float) -> None:
        """Stores the new events of the page and its cursor. `seconds`: the wait after the last page."""
        new = await new_events(self._store, page, self._tenant, self._name)
        at_once = page.more and page.cursor != turn.cursor
        stored = await self._store.polls.store(turn, page.cursor, new, self._options.lease, complete=not page.more)
        if not stored:
            self._token = 0
            self._metrics.poll(self._name, "lost")
            self._logger.warning("page dropped, another worker polls", connector=self._name, tenant=self._tenant)
            return
        if page.more and not at_once:
            self._logger.warning("a page says that more follows, and has the cursor before it", connector=self._name)
        for problem in page.problems:
            self._metrics.poll(self._name, "unreadable")
            self._logger.warning("not read", connector=self._name, tenant=self._tenant, reason=problem)
        self._due = time.monotonic() + (0.0 if at_once else seconds)
        self._metrics.poll(self._name, "done")
        self._metrics.polled(self._name, new=len(new), known=len(page.events) - len(new), at=self._services.clock())


async def new_events(store: Store, page: Page, tenant: str, connector: str) -> list[Event]:
    """The events of the page that nobody has decided yet, ready for the intake. Raises StoreUnavailable."""
    events = [storable(arrival(event, tenant, connector)) for event in page.events]
    known = await store.event_memory.known(events)
    return [event for event, seen in zip(events, known, strict=True) if not seen]
