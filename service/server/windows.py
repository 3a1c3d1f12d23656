"""Counts over time: what to ask of the store before a decision, and what to mark after it."""

from __future__ import annotations

from service.domain.event import Event, Value
from service.domain.request import RequestState
from service.engine.decide import ANY_REQUEST
from service.rules.vocabulary import Vocabulary, Window
from service.store.records import WindowMark, WindowQuery


class Windows:
    """The windowed fields of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._fields = [(name, field.window) for name, field in sorted(vocabulary.fields.items()) if field.window]
        self._kinds = sorted({(window.by, window.count) for _, window in self._fields})

    def __bool__(self) -> bool:
        return bool(self._fields)

    def queries(self, event: Event, state: RequestState | None = None) -> list[WindowQuery]:
        """One query per field whose `by` is known from the event or, once loaded, from the state."""
        found = []
        for name, window in self._fields:
            if value := _identity(event.data.get(window.by)) or (state and _identity(state.given.get(window.by))):
                found.append(_query(name, window, value, event))
        return found

    def lanes(self, event: Event) -> list[tuple[str, str]]:
        """What must not be decided side by side with this event, because it is counted together with it."""
        return [(by, value) for by, _ in self._kinds if (value := _identity(event.data.get(by)))]

    def marks(self, before: RequestState | None, after: RequestState) -> list[WindowMark]:
        """The marks that change with a decision: a request counts from its creation, under its latest category."""
        found = []
        for by, category in self._kinds:
            old = _counted(before, by, category)
            new = _counted(after, by, category)
            if old == new:
                continue
            if old:
                found.append(WindowMark(by=by, value=old, category=category, at=after.created, remove=True))
            if new:
                found.append(WindowMark(by=by, value=new, category=category, at=after.created))
        return found


def _query(name: str, window: Window, value: str, event: Event) -> WindowQuery:
    return WindowQuery(name=name, by=window.by, value=value, category=window.count, within=window.within, at=event.time)


def _counted(state: RequestState | None, by: str, category: str) -> str:
    """By whom the request counts as one of the category; empty when it does not."""
    if state is None or category not in (ANY_REQUEST, state.derived.get("category")):
        return ""
    return _identity(state.given.get(by))


def _identity(value: Value) -> str:
    return "" if value is None or value == [] else str(value)
