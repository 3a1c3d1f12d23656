"""The virtual clock: fires every timer at its due time between events. For rule tests and backtests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from answerby.domain.clock import Timer
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.timer_event import timer_event

TIMER_LIMIT = 10_000
"""Most timers fired for one request: a ladder that repeats for ever must not hang the run."""

Decide = Callable[[Event, datetime], RequestState | None]
"""Decides an event as of a moment and returns the request after it."""


def next_timer(state: RequestState | None, until: datetime | None) -> Timer | None:
    """The timer that fires first, if it is due by `until` (None: without limit)."""
    first: Timer | None = None
    for timer in state.timers.values() if state is not None else ():
        if timer.fired or (until is not None and timer.due > until):
            continue
        if first is None or (timer.due, timer.id) < (first.due, first.id):
            first = timer
    return first


def fire_until(state: RequestState | None, until: datetime | None, decide: Decide, limit: int = TIMER_LIMIT) -> int:
    """Fires every timer due by `until`, also those armed meanwhile. Returns how many fired, at most `limit`.

    A timer armed for the past fires at the request's latest event, so that time never runs backwards.
    """
    for fired in range(limit):
        timer = next_timer(state, until)
        if timer is None:
            return fired
        assert state is not None
        moment = max(timer.due, state.last_event)
        state = decide(timer_event(state.tenant, state.request_id, timer), moment)
    return limit
