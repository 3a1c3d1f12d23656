"""Plays of one request: its events in the order of time, and every timer that is due before, between and after them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.timer_event import timer_event
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import next_timer
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide

AFTERWARDS = timedelta(days=30)
"""How long the timers are played after the last event."""
MOST_TIMERS = 40


class Play:
    """The events of one request and its timers, one after the other, for as long as `state` follows them."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._queue = list(events)
        self._end = self._queue[-1].time + AFTERWARDS
        self._timers = 0

    def next(self, state: RequestState | None) -> tuple[Event, datetime] | None:
        """The next event, and when it is decided; None at the end. A timer comes before an event of its time."""
        until = self._queue[0].time if self._queue else self._end
        timer = next_timer(state, until) if self._timers < MOST_TIMERS else None
        if timer is not None and state is not None:
            self._timers += 1
            event = timer_event(state.tenant, state.request_id, timer)
        elif self._queue:
            event = self._queue.pop(0)
        else:
            return None
        return event, (max(event.time, state.last_event) if state is not None else event.time).astimezone(UTC)


class Move(NamedTuple):
    """One decision of a play, with the event and the request before it."""

    event: Event
    before: RequestState | None
    decision: Decision


def play(book: CompiledRulebook, events: Iterable[Event], windows: dict[str, int]) -> Iterator[Move]:
    """Every decision of the play, at the time of its event."""
    state: RequestState | None = None
    course = Play(events)
    while (following := course.next(state)) is not None:
        event, moment = following
        decision = decide(book, state, event, Context(windows), moment, words=False)
        yield Move(event, state, decision)
        state = decision.state
