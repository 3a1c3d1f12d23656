"""The time of the store, by which every worker decides. Workers with wrong clocks of their own then agree.

Between two measurements the time goes on by the seconds that have run, so nobody can set it by setting a clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from answerby.server.base.elapsed import elapsed
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services, utc_now
from answerby.store.store import Store

MEASURE_SECONDS = 1.0
SLOW_SECONDS = 0.25
"""A measurement that took longer says little. It counts only when the last good one is old."""
OLD_SECONDS = 30.0
FLAG = timedelta(seconds=1)
"""A clock that differs by more is reported."""
MOST = timedelta(seconds=10)
"""A worker whose clock differs by more fires no timers and no schedules, until its clock is mended."""
REMIND_SECONDS = 60.0


class StoreClock:
    """The time of the store, and the difference of this machine's clock."""

    def __init__(
        self, store: Store, wall: Callable[[], datetime] = utc_now, elapsed: Callable[[], float] = elapsed
    ) -> None:
        self._store = store
        self._wall = wall
        self._elapsed = elapsed
        self._time: datetime | None = None
        self._at = 0.0
        """When the store's time was `_time`, in elapsed seconds."""
        self._skew = timedelta()

    def now(self) -> datetime:
        """The store's time. Before the first measurement the time of this machine."""
        if self._time is None:
            return self._wall()
        return self._time + timedelta(seconds=self._elapsed() - self._at)

    def skew(self) -> timedelta:
        """How far this machine's clock is ahead of the store's. Negative: behind."""
        return self._skew

    async def measure(self) -> None:
        """Asks the store for its time. Raises StoreUnavailable."""
        before, wall_before = self._elapsed(), self._wall()
        moment = await self._store.time()
        after, wall_after = self._elapsed(), self._wall()
        if after - before > SLOW_SECONDS and self._time is not None and before - self._at < OLD_SECONDS:
            return
        self._time, self._at = moment, (before + after) / 2
        self._skew = wall_before + (wall_after - wall_before) / 2 - moment


class ClockWatch:
    """Measures the store's clock again and again, and reports a clock of this machine that differs."""

    def __init__(self, services: Services, clock: StoreClock) -> None:
        self._services = services
        self._clock = clock
        self._remind_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        await repeat("clock", self._step, stopping, self._services)

    async def _step(self) -> float:
        await self._clock.measure()
        skew = self._clock.skew()
        self._services.metrics.clock_skew.set(skew.total_seconds())
        if abs(skew) <= FLAG:
            self._remind_at = 0.0
        elif time.monotonic() >= self._remind_at:
            self._remind_at = time.monotonic() + REMIND_SECONDS
            self._report(skew)
        return MEASURE_SECONDS

    def _report(self, skew: timedelta) -> None:
        seconds = round(skew.total_seconds(), 3)
        if abs(skew) > MOST:
            self._services.logger.error(
                "clock wrong, no timers here", seconds=seconds, warning="set the clock of this machine by NTP"
            )
        else:
            self._services.logger.warning("clock differs from the store's", seconds=seconds)


def may_fire(services: Services) -> bool:
    """Whether the clock of this machine is right enough to fire timers and schedules."""
    return abs(services.skew()) <= MOST
