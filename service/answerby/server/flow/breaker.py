"""A circuit breaker: after several failures in a row a platform is left alone for a while, then asked once."""

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
    """Asked once, to see; the answer closes it or opens it for twice as long."""


class Breaker:
    """Not safe between threads. Times are seconds of `clock`, which must never go back."""

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
        """Times in a row that it opened."""
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
        """Seconds until it may be asked again; 0 when it may be asked now."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def allowed(self, wanted: int) -> int:
        """How many attempts may begin now, at most `wanted`; count each with `begin`."""
        match self.state:
            case BreakerState.CLOSED:
                return wanted
            case BreakerState.HALF_OPEN if not self._probing:
                return min(wanted, 1)
        return 0

    def begin(self) -> None:
        """An attempt begins."""
        self._probing = self._open_until is not None

    def success(self) -> None:
        """The platform answered sensibly, be it with a refusal."""
        self._failures = 0
        self._open_until = None
        self._probing = False
        self._openings = 0

    def failure(self) -> None:
        """The platform did not answer, or said that it cannot."""
        self._failures += 1
        if self._open_until is None and self._failures < self._threshold:
            return
        if self._open_until is not None and not self._probing:
            return  # an attempt from before it opened
        self._openings += 1
        self._open_until = self._clock() + self._cooldown.wait(self._openings)
        self._probing = False
