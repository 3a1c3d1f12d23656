"""How long to wait before something that failed is tried again: twice as long after each failure, up to a limit."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

_LARGEST_POWER = 62
"""2 to this power reaches every limit; a larger one would overflow in the end."""


class Backoff(NamedTuple):
    """Times are seconds."""

    first: float
    """The wait after the first failure."""
    most: float
    """No wait is longer."""
    jitter: float = 0.0
    """The share of a wait that chance takes away, so that many who fail together do not come back together: 0 none of
    it, 1 up to all of it."""

    def longest(self, failures: int) -> float:
        """The wait after so many failures in a row, before chance; 0 after none."""
        if failures < 1:
            return 0.0
        return min(self.most, self.first * 2.0 ** min(failures - 1, _LARGEST_POWER))

    def wait(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """The same with chance; `chance` gives numbers from 0 to below 1."""
        return self.longest(failures) * (1.0 - self.jitter * chance())
