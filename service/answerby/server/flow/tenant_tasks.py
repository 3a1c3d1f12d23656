"""A task for each tenant, started as soon as the tenant is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from answerby.server.base.loops import repeat
from answerby.server.base.services import Services

LOOK_SECONDS = 1.0


class PerTenant:
    """Runs `work(tenant)` for every tenant in the configuration or in the store."""

    def __init__(
        self, services: Services, known: Iterable[str], work: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        self._services = services
        self._store = services.store
        self._known = frozenset(known)
        self._work = work
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set, then waits for the tasks, which end by themselves."""
        async with asyncio.TaskGroup() as group:

            async def look() -> float:
                for tenant in sorted(self._known.union(await self._store.tenants.names()) - self._running.keys()):
                    self._running[tenant] = group.create_task(self._work(tenant))
                return LOOK_SECONDS

            await repeat("tenants", look, stopping, self._services)
