"""Groups of requests that must be replayed together: those counted by the same value, and merged or following ones."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from answerby.domain.event import Event
from answerby.engine.facts.windows import Windows
from answerby.engine.follower_ids import before_number, stem_of
from answerby.engine.history.merging import INTO
from answerby.rules.model.vocabulary import Vocabulary

REQUEST = "request"


class Partition:
    """Groups of requests, by union-find over shared values. The groups do not depend on the order of the events."""

    def __init__(self, vocabularies: Iterable[Vocabulary]) -> None:
        known: list[Vocabulary] = []
        for vocabulary in vocabularies:
            if vocabulary not in known:
                known.append(vocabulary)
        self._windows = [windows for windows in map(Windows, known) if windows]
        self._parents: dict[Hashable, Hashable] = {}

    def see(self, event: Event) -> None:
        """Links the event's request to all requests that share a value with it."""
        own = (REQUEST, event.request_id)
        self._find(own)
        for windows in self._windows:
            for lane in windows.lanes(event):
                self._unite(own, ("by", *lane))
        for tied in (before_number(event.request_id), stem_of(event.request_id)):
            if tied != event.request_id:
                self._unite(own, (REQUEST, tied))
        into = event.data.get(INTO) if INTO in event.data else None
        if into is not None:
            self._unite(own, (REQUEST, str(into)))

    def group_of(self, request_id: str) -> Hashable:
        """A key that is equal for two requests of the same group."""
        return self._find((REQUEST, request_id))

    def _find(self, key: Hashable) -> Hashable:
        parents = self._parents
        root = parents.setdefault(key, key)
        while parents[root] != root:
            root = parents[root]
        while parents[key] != root:
            parents[key], key = root, parents[key]
        return root

    def _unite(self, one: Hashable, other: Hashable) -> None:
        first, second = self._find(one), self._find(other)
        if first != second:
            self._parents[second] = first
