"""Backoff: waits between attempts, twice as long after each failure, up to a limit."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

_LARGEST_POWER = 62
"""2 to this power reaches every limit. A larger power would overflow."""


class Backoff(NamedTuple):
    """A schedule of waits, in seconds."""

    first: float
    """The wait after the first failure."""
    most: float
    """The longest wait."""
    jitter: float = 0.0
    """The share of a wait that chance may take away, from 0 to 1, so that callers that fail together do not retry
    together."""

    def longest(self, failures: int) -> float:
        """The wait after so many failures in a row, without chance; 0 after none."""
        if failures < 1:
            return 0.0
        return min(self.most, self.first * 2.0 ** min(failures - 1, _LARGEST_POWER))

    def wait(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """The wait after so many failures in a row. `chance` gives numbers from 0 to below 1."""
        return self.longest(failures) * (1.0 - self.jitter * chance())
