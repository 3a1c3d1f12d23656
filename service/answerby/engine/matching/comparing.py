"""The comparing matcher (engine `shadow`): runs durable-rules beside the reference, whose answer counts."""

# Stays interpreted: it compares matchers, which is not for speed.
from __future__ import annotations

import threading
from collections.abc import Callable

from answerby.engine.facts.record import Record
from answerby.engine.matching.matcher import Matcher, MatchSet

OnDifference = Callable[[str, Record, MatchSet, MatchSet], None]
"""Called with stage, record, the reference's match set and durable's. Its errors reach the caller of `match`."""


class ComparingMatcher:
    """Runs both matchers, returns the reference's match set, counts and reports differences."""

    name = "shadow"
    recalls = False

    def __init__(self, reference: Matcher, durable: Matcher, on_difference: OnDifference | None = None) -> None:
        self._reference = reference
        self._durable = durable
        self._on_difference = on_difference
        self._lock = threading.Lock()
        self.compared = 0
        """Match sets compared so far."""
        self.differences = 0
        """Match sets that were not equal."""

    @property
    def fallback_reason(self) -> str:
        """The reason of the durable matcher. With a reason, the reference is compared with itself."""
        return self._durable.fallback_reason

    @property
    def faults(self) -> int:
        return self._durable.faults

    @property
    def last_fault(self) -> str:
        return self._durable.last_fault

    def match(self, stage: str, record: Record) -> MatchSet:
        expected = self._reference.match(stage, record)
        actual = self._durable.match(stage, record)
        with self._lock:
            self.compared += 1
            self.differences += actual != expected
        if actual != expected and self._on_difference is not None:
            self._on_difference(stage, record, expected, actual)
        return expected

    def close(self) -> None:
        self._durable.close()
        self._reference.close()
