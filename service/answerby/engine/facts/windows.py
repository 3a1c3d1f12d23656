"""Counts over windows of time: queries before a decision, marks after it."""

from __future__ import annotations

from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState
from answerby.domain.window import WindowMark, WindowQuery
from answerby.rules.model.vocabulary import ANY_REQUEST, Vocabulary, Window


class Windows:
    """The windowed fields of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._fields = [(name, field.window) for name, field in sorted(vocabulary.fields.items()) if field.window]
        kinds = {(window.by, window.counted): window for _, window in self._fields}
        self._kinds = [kinds[key] for key in sorted(kinds)]

    def __bool__(self) -> bool:
        return bool(self._fields)

    def queries(self, event: Event, state: RequestState | None = None) -> list[WindowQuery]:
        """One query per field whose `by` is known from the event or, once loaded, from the state.

        Counts that the request already has are not queried again.
        """
        found = []
        for name, window in self._fields:
            known = _identity(state.given.get(window.by)) if state is not None else ""
            value = _identity(event.data.get(window.by)) or known
            counted = state is not None and name in state.counts and value == known
            if value and not counted:
                found.append(_query(name, window, value, event))
        return found

    def lanes(self, event: Event) -> list[tuple[str, str]]:
        """Pairs of `by` and value. Events that share one are counted together, and must not be decided in parallel."""
        return [(w.by, value) for w in self._kinds if (value := _identity(event.data.get(w.by)))]

    def marks(self, before: RequestState | None, after: RequestState) -> list[WindowMark]:
        """The marks that a decision changes. A request counts from its creation on, in its present category."""
        found = []
        for window in self._kinds:
            old, new = _counted_by(before, window), _counted_by(after, window)
            if old == new:
                continue
            if old:
                found.append(
                    WindowMark(by=window.by, value=old, category=window.counted, at=after.created, remove=True)
                )
            if new:
                found.append(WindowMark(by=window.by, value=new, category=window.counted, at=after.created))
        return found


def _query(name: str, window: Window, value: str, event: Event) -> WindowQuery:
    return WindowQuery(
        name=name, by=window.by, value=value, category=window.counted, within=window.within, at=event.time
    )


def _counted_by(state: RequestState | None, window: Window) -> str:
    """The value of `by` under which the window counts the request; empty when it does not count it."""
    if state is None or window.count not in (ANY_REQUEST, state.derived.get(window.of)):
        return ""
    return _identity(state.given.get(window.by))


def _identity(value: Value) -> str:
    return "" if value is None or value == [] else str(value)
