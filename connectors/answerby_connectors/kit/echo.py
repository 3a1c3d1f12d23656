"""The present writes of this process. Their echoes are recognised without a call."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from answerby_connectors.kit.bounded import Bounded

LINGER = 60.0
"""The seconds that a write is remembered. The platform tries its webhook three times, ten seconds each."""
LIMIT = 10_000


class Expected:
    """Writes under way and writes of the last minute, at most 10,000."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: Bounded[tuple[str, str, str], float] = Bounded(LIMIT)

    @contextlib.contextmanager
    def write(self, reference: str, field: str, value: str = "") -> Iterator[None]:
        """Surrounds a write. The echo may come before the answer, or long after the answer."""
        self._remember(reference, field, value)
        try:
            yield
        finally:
            self._remember(reference, field, value)

    def settle(self, reference: str, field: str, value: str) -> None:
        """Stores the exact value from the answer. From then on only this value is ours."""
        self._until.pop((reference, field, ""), None)
        self._remember(reference, field, value)

    def holds(self, reference: str, field: str, value: str = "") -> bool:
        """Whether such a write is under way or happened within the last minute."""
        return self._until.get((reference, field, value), 0.0) >= self._clock()

    def _remember(self, reference: str, field: str, value: str) -> None:
        self._until[reference, field, value] = self._clock() + LINGER
