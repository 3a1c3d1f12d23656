"""Time for a write without an answer to land, before the next attempt looks whether it has."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable

from answerby_connectors.kit.base import LEASE_OVER, Delivery, Outcome, OutcomeKind
from answerby_connectors.kit.bounded import Bounded

LIMIT = 10_000


class Settling:
    """When the last write of each effect has settled, as far as this process knows.

    A platform, or a proxy before it, may carry out a write long after the answer was given up. An attempt that reads
    earlier sees no note and writes a second one. So an attempt waits until the earlier write has had its time. An
    attempt after one that this process did not see, such as of a worker that died, waits for the whole time.
    """

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._pause = pause
        self._known: Bounded[str, tuple[int, float]] = Bounded(LIMIT)
        """Effect -> the attempt, and when it has settled."""

    async def before(self, delivery: Delivery) -> None:
        """Waits until what earlier attempts sent has settled."""
        attempt, settled = self._known.pop(delivery.effect_id, (0, 0.0))
        if not delivery.previous_unknown:
            return
        wait = settled - self._clock() if attempt == delivery.attempt - 1 else self._seconds
        if wait > 0:
            await self._pause(wait)

    def after(self, delivery: Delivery, outcome: Outcome) -> Outcome:
        """Remembers the end of an attempt. An unknown outcome says how long the next attempt has to wait."""
        unknown = outcome.kind is OutcomeKind.UNKNOWN
        if unknown or (outcome.kind in (OutcomeKind.RETRY, OutcomeKind.HELD) and outcome is not LEASE_OVER):
            self._known[delivery.effect_id] = (delivery.attempt, self._clock() + self._seconds * unknown)
        return dataclasses.replace(outcome, settle=self._seconds) if unknown else outcome
