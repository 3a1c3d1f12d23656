"""A circuit breaker: several failures in a row stop the attempts at a platform for a while, then one attempt probes."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from answerby.domain.backoff import Backoff

COOLDOWN = Backoff(first=5.0, most=300.0)


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """One attempt probes the platform. Its result closes the breaker or opens it for twice as long."""


class Breaker:
    """Breaker of one platform, not safe between threads. Times are seconds of `clock`, which must never go back."""

    def __init__(
        self,
        *,
        threshold: int = 5,
        cooldown: Backoff = COOLDOWN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._openings = 0
        """Number of openings in a row."""
        self._probing = False

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return BreakerState.CLOSED
        if self._probing or self._clock() >= self._open_until:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    @property
    def wait(self) -> float:
        """Seconds until the next attempt; 0 when an attempt may begin now."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def allowed(self, wanted: int) -> int:
        """Number of attempts that may begin now, at most `wanted`. Callers count each attempt with `begin`."""
        match self.state:
            case BreakerState.CLOSED:
                return wanted
            case BreakerState.HALF_OPEN if not self._probing:
                return min(wanted, 1)
        return 0

    def begin(self) -> None:
        """Counts the begin of an attempt."""
        self._probing = self._open_until is not None

    def success(self) -> None:
        """Notes a proper answer of the platform, which may be a refusal."""
        self._failures = 0
        self._open_until = None
        self._probing = False
        self._openings = 0

    def failure(self) -> None:
        """Notes a missing answer, or an answer that the platform is unable to work."""
        self._failures += 1
        if self._open_until is None and self._failures < self._threshold:
            return
        if self._open_until is not None and not self._probing:
            return  # the attempt began before the breaker opened
        self._openings += 1
        self._open_until = self._clock() + self._cooldown.wait(self._openings)
        self._probing = False

    def abandon(self) -> None:
        """Notes an attempt that never asked the platform."""
        self._probing = False
