"""Helpers of the background loops: pauses that a stop ends, and patience with a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from answerby.domain.backoff import Backoff
from answerby.domain.errors import StoreUnavailable
from answerby.server.base.logs import Logger

AWAY = Backoff(first=0.2, most=2.0, jitter=0.5)
"""The waits while the store is away."""


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Waits for `seconds`, or until `stopping` is set."""
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


async def repeat(name: str, step: Callable[[], Awaitable[float]], stopping: asyncio.Event, logger: Logger) -> None:
    """Runs `step` until `stopping` is set. `step` returns the seconds to wait.

    The wait is longer while the store is away.
    """
    away = 0
    while not stopping.is_set():
        try:
            wait = await step()
            away = 0
        except StoreUnavailable as error:
            away += 1
            if away == 1:
                logger.warning("store unavailable", state=name, reason=error.reason)
            wait = AWAY.wait(away)
        await pause(stopping, wait)
