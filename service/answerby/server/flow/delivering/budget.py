"""The budget of calls of one platform, which both directions of a connector share.

A platform counts the calls of an account. Whether they bring events or write decisions is the same to the platform.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class CallBudget:
    """The wait that a platform has set for one connector, in this worker."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0

    @property
    def wait(self) -> float:
        """Seconds until the platform takes calls again; 0 when it takes them now."""
        return max(0.0, self._until - self._clock())

    def hold(self, seconds: float) -> None:
        """Holds all calls for the wait that the platform asked for. A longer wait from before stays."""
        self._until = max(self._until, self._clock() + seconds)
