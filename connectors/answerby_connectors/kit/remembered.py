"""What a platform lists and seldom changes, kept for some minutes: each list costs a call of a small budget."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from answerby_connectors.kit.bounded import Bounded

LIST_SECONDS = 300.0
"""The time in memory, in seconds."""
LIMIT = 1_000
"""The limit of lists in memory, such as one per project."""

T = TypeVar("T")


class Remembered(Generic[T]):
    """Values by key. A value is fetched again once it is older than `seconds`."""

    def __init__(self, seconds: float = LIST_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: Bounded[object, tuple[float, T]] = Bounded(LIMIT)

    async def get(self, key: object, fetch: Callable[[], Awaitable[T]]) -> T:
        known = self._known.get(key)
        if known is not None and self._clock() <= known[0]:
            return known[1]
        value = await fetch()
        self._known[key] = (self._clock() + self._seconds, value)
        return value
