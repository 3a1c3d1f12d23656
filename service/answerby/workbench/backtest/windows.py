"""Counts over a window for decisions in memory. Queries and marks are the server's. Only the store is a list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.window import WindowMark, WindowQuery
from answerby.engine.facts.windows import Windows
from answerby.rules.model.vocabulary import Vocabulary

Key = tuple[str, str, str]


class Mark(NamedTuple):
    time: datetime
    request_id: str


class WindowsInMemory:
    """Marks per (field, value, category), in order of time. False if the vocabulary counts nothing."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._windows = Windows(vocabulary)
        self._marks: dict[Key, list[Mark]] = defaultdict(list)

    def __bool__(self) -> bool:
        return bool(self._windows)

    def take(self, other: WindowsInMemory) -> None:
        """Copies the counts of another counter. The two then count independently."""
        self._marks.clear()
        self._marks.update((key, list(marks)) for key, marks in other._marks.items())

    def forget(self) -> None:
        """Forgets all counts."""
        self._marks.clear()

    def counts(self, event: Event, state: RequestState | None) -> Mapping[str, int]:
        """The number of other requests in each window up to the event."""
        return {query.name: self._count(query, event.request_id) for query in self._windows.queries(event, state)}

    def note(self, before: RequestState | None, after: RequestState) -> None:
        """Updates the marks of the request after a decision."""
        for mark in self._windows.marks(before, after):
            self._apply(mark, after.request_id)

    def _count(self, query: WindowQuery, request_id: str) -> int:
        marks = self._marks.get((query.by, query.value, query.category), [])
        first = bisect_left(marks, query.at - query.within, key=lambda mark: mark.time)
        end = bisect_right(marks, query.at, key=lambda mark: mark.time)
        return sum(mark.request_id != request_id for mark in marks[first:end])

    def _apply(self, mark: WindowMark, request_id: str) -> None:
        marks = self._marks[(mark.by, mark.value, mark.category)]
        own = Mark(mark.at, request_id)
        if not mark.remove:
            insort(marks, own)
        elif own in marks:
            marks.remove(own)
