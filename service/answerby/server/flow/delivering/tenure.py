"""The time for which a lease surely holds, by seconds that go on while the process is frozen."""

from __future__ import annotations

from collections.abc import Callable

from answerby.server.base.elapsed import elapsed

WRITE_SHARE = 0.9
"""The share of a lease in which a write may begin. The rest is for the write itself."""
FRESH_SHARE = 0.5
"""The share of a lease in which a delivery may begin without a renewal."""


class Tenure:
    """The right to deliver one effect. The store counts the lease from a moment after the question for it."""

    def __init__(self, asked: float, length: float, elapsed: Callable[[], float] = elapsed) -> None:
        """`asked`: the elapsed seconds before the store was asked. `length`: seconds of the lease."""
        self._asked = asked
        self._length = length
        self._elapsed = elapsed

    def renewed(self, asked: float) -> None:
        """Counts the lease from `asked` on."""
        self._asked = asked

    def holds(self) -> bool:
        """Whether a write may begin now. Any thread may ask."""
        return self._elapsed() - self._asked < WRITE_SHARE * self._length

    def is_fresh(self) -> bool:
        """Whether a delivery may begin now without a renewal."""
        return self._elapsed() - self._asked < FRESH_SHARE * self._length
