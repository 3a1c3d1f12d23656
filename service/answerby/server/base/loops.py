"""Helpers of the background loops: pauses that a stop ends, and patience with a store that is away.

A loop outlives a failed step. One bad record, or one tenant with a broken key, must not end the work for all others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

from answerby.domain.backoff import Backoff
from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.server.base.services import Services

AWAY = Backoff(first=0.2, most=2.0, jitter=0.5)
"""The waits while the store is away."""
FAILED = Backoff(first=0.5, most=5.0, jitter=0.5)
"""The waits after steps that failed otherwise."""


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Waits for `seconds`, or until `event` is set.

    A cancellation always gets through. `asyncio.wait_for` of Python 3.11 swallows one that meets the event, and the
    task group of the loop would then wait for ever.
    """
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def repeat(name: str, step: Callable[[], Awaitable[float]], stopping: asyncio.Event, services: Services) -> None:
    """Runs `step` until `stopping` is set. `step` returns the seconds to wait.

    The wait is longer while the store is away. A step that fails otherwise is logged, counted and tried again.
    """
    away = failed = 0
    while not stopping.is_set():
        try:
            wait = await step()
            away = failed = 0
        except StoreUnavailable as error:
            away += 1
            if away == 1:
                services.logger.warning("store unavailable", state=name, reason=error.reason)
            wait = AWAY.wait(away)
        except Exception as error:
            failed += 1
            services.metrics.loop_failed(name)
            reason = error.message if isinstance(error, AnswerbyError) else ""
            services.logger.exception("step failed", state=name, reason=reason, exc_info=error)
            wait = FAILED.wait(failed)
        await pause(stopping, wait)


@contextlib.contextmanager
def spared(name: str, tenant: str, services: Services) -> Iterator[None]:
    """Lets the loop `name` go on with other tenants after a failure for `tenant`, which is logged and counted.

    Raises StoreUnavailable, which is no failure of one tenant.
    """
    try:
        yield
    except StoreUnavailable:
        raise
    except AnswerbyError as error:
        services.metrics.loop_failed(name)
        services.logger.error("step failed", state=name, tenant=tenant, reason=error.message)  # noqa: TRY400 - no bug
