"""Conditions of the mapping on a row."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.cli.replay.mapping import Guard, Test
from answerby.cli.replay.values import Cells, Cleaner, show


class Conditions:
    """Tests conditions on rows whose cells this cleaner reads."""

    def __init__(self, cleaner: Cleaner) -> None:
        self._cleaner = cleaner

    def hold(self, tests: Mapping[str, Test], cells: Cells) -> bool:
        """True if every column passes its test."""
        return all(passes(test, self._cleaner.text(cells, column)) for column, test in tests.items())

    def guard(self, guard: Guard, cells: Cells, previous: Cells | None) -> bool:
        """`previous` is the row of the last event of the same request. None for the first event."""
        if guard.first is not None and guard.first != (previous is None):
            return False
        if guard.previous and (previous is None or not self.hold(guard.previous, previous)):
            return False
        return self.hold(guard.when, cells)


def passes(test: Test, text: str | None) -> bool:
    if test.is_ is not None and (text is None) != (test.is_ == "missing"):
        return False
    if test.not_ and text is not None and text in {show(value) for value in test.not_}:
        return False
    if text is None:
        return not (test.any_of or test.starts_with or test.contains or test.matches)
    if test.any_of and text not in {show(value) for value in test.any_of}:
        return False
    if test.starts_with and not text.startswith(test.starts_with):
        return False
    if test.contains and not any(part in text for part in test.contains):
        return False
    return test.matches is None or test.matches.search(text) is not None
