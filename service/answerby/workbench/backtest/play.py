"""Plays stories that may concern each other under one rulebook and a virtual clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from answerby.domain.clock import Timer
from answerby.domain.event import Event
from answerby.domain.timer_event import timer_event
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.workbench.backtest.recorded_request import Happening, Story
from answerby.workbench.backtest.request_run import Course
from answerby.workbench.backtest.side import Side

TIMER_LIMIT = 1_000
"""Timers fired of one request; a ladder that never ends must not hang a backtest."""

Armed = tuple[datetime, str, str]
"""When a timer is due, of which request, and its id."""


class Play:
    """One rulebook."""

    def __init__(self, compiled: CompiledRulebook, timer_limit: int = TIMER_LIMIT) -> None:
        self._side = Side(compiled)
        self._timer_limit = timer_limit
        self._armed: list[Armed] = []

    def run(self, stories: Sequence[Story], horizon: datetime | None) -> dict[str, Course]:
        """Plays all happenings in their order, then fires timers up to the horizon (None: until none is left).

        The stories are of requests that are counted together or merged; those of different runs know nothing of each
        other.
        A timer that is due at the very moment of an event fires after it: what is done by its due time is in time.
        """
        self._side.begin()
        self._armed = []
        happenings = [happening for story in stories for happening in story.happenings]
        if len(stories) > 1:
            happenings.sort(key=in_order)
        for happening in happenings:
            self._fire(happening.moment, included=False)
            self._take(happening.event, happening.moment)
        self._fire(horizon, included=True)
        if horizon is not None:
            for course in self._side.courses.values():
                course.pass_time(horizon, included=True)
        return self._side.courses

    def _take(self, event: Event, moment: datetime) -> None:
        """The event and, at once, what it makes other requests hear."""
        told = deque([event])
        while told:
            told.extend(self._decide(told.popleft(), moment))

    def _decide(self, event: Event, moment: datetime) -> list[Event]:
        side = self._side
        side.course(event.request_id).pass_time(moment)
        context = side.context(event, side.states.get(event.request_id))
        decision = side.settle(event, side.decide(event, moment, context))
        if decision is None:
            return []
        self._arm(event.request_id, decision.arm)
        return decision.follow_ups

    def _fire(self, until: datetime | None, *, included: bool) -> None:
        armed = self._armed
        while armed and (until is None or armed[0][0] < until or (included and armed[0][0] == until)):
            due, request_id, timer_id = heapq.heappop(armed)
            state = self._side.states[request_id]
            timer = state.timers.get(timer_id)
            if timer is None or timer.fired or timer.due != due:
                continue
            course = self._side.courses[request_id]
            if course.timers >= self._timer_limit:
                course.cut = True
                continue
            course.timers += 1
            # One armed for a moment that had passed fires at once, not in the past.
            event, moment = timer_event(state.tenant, state.request_id, timer), max(due, course.stood)
            told = self._side.remind(event, moment)
            if told is None:
                self._take(event, moment)
            else:
                self._arm(request_id, told.timers.arm)

    def _arm(self, request_id: str, timers: Iterable[Timer]) -> None:
        for timer in timers:
            heapq.heappush(self._armed, (timer.due, request_id, timer.id))


def in_order(happening: Happening) -> tuple[datetime, int]:
    return happening.moment, happening.order
