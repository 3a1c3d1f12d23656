"""Regular tasks: trims the logs and measures the wait of events."""

from __future__ import annotations

import asyncio
import time

from answerby.server.base.loops import repeat, spared
from answerby.server.base.services import Services

LOOK_SECONDS = 5.0
TRIM_SECONDS = 60.0


class Housekeeping:
    """Housekeeping, which may run in every worker at once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._now = services.clock
        self._next_trim = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        await repeat("housekeeping", self._step, stopping, self._services)

    async def _step(self) -> float:
        now = self._now()
        oldest = 0.0
        tenants = await self._store.tenants.names()
        for tenant in tenants:
            with spared("housekeeping", tenant, self._services):
                await self._store.intake.open(tenant)
                depth = await self._store.intake.depth(tenant)
                if depth.oldest is not None:
                    oldest = max(oldest, (now - depth.oldest.time).total_seconds())
        self._metrics.queue_age.set(oldest)
        if time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            for tenant in tenants:
                with spared("housekeeping", tenant, self._services):
                    await self._store.log.trim(tenant, now)
                    await self._store.intake.trim(tenant)
        return LOOK_SECONDS
