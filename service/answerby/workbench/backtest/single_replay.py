"""Single replay: recorded requests that may affect each other, under one rulebook and a virtual clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime

from answerby.domain.clock import Timer
from answerby.domain.event import Event
from answerby.domain.timer_event import timer_event
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.history.lifecycle import counted
from answerby.workbench.backtest.recorded_request import RecordedEvent, RecordedRequest
from answerby.workbench.backtest.request_run import RequestRun
from answerby.workbench.backtest.rulebook_replay import RulebookReplay

TIMER_LIMIT = 1_000
"""The maximum number of timers of one request. A ladder without an end must not hang a backtest."""

Armed = tuple[datetime, str, str]
"""The due time of a timer, its request and its id."""


class SingleReplay:
    """The replay of one rulebook."""

    def __init__(self, compiled: CompiledRulebook, timer_limit: int = TIMER_LIMIT) -> None:
        self._replay = RulebookReplay(compiled)
        self._timer_limit = timer_limit
        self._armed: list[Armed] = []

    def run(self, requests: Sequence[RecordedRequest], horizon: datetime | None) -> dict[str, RequestRun]:
        """Replays all events in order, then fires timers up to the horizon. None: until no timer is left.

        The requests of one call are counted together or merged. Those of different calls do not affect each other.
        A timer due at the moment of an event fires after it, since an action at its due time is in time.
        """
        self._replay.begin()
        self._armed = []
        events = [recorded_event for request in requests for recorded_event in request.events]
        if len(requests) > 1:
            events.sort(key=in_order)
        for recorded_event in events:
            self._fire(recorded_event.moment, included=False)
            self._take(recorded_event.event, recorded_event.moment)
        self._fire(horizon, included=True)
        if horizon is not None:
            for request_run in self._replay.runs.values():
                request_run.pass_time(horizon, included=True)
        return self._replay.runs

    def _take(self, event: Event, moment: datetime) -> None:
        """Takes the event and its immediate effects on other requests."""
        waiting = deque([counted(event, moment)])
        while waiting:
            waiting.extend(self._decide(waiting.popleft(), moment))

    def _decide(self, event: Event, moment: datetime) -> list[Event]:
        replay = self._replay
        replay.request_run(event.request_id).pass_time(moment)
        context = replay.context(event, replay.states.get(event.request_id))
        decision = replay.settle(event, replay.decide(event, moment, context))
        if decision is None:
            return []
        self._arm(event.request_id, decision.arm)
        return decision.follow_ups

    def _fire(self, until: datetime | None, *, included: bool) -> None:
        armed = self._armed
        while armed and (until is None or armed[0][0] < until or (included and armed[0][0] == until)):
            due, request_id, timer_id = heapq.heappop(armed)
            state = self._replay.states[request_id]
            timer = state.timers.get(timer_id)
            if timer is None or timer.fired or timer.due != due:
                continue
            request_run = self._replay.runs[request_id]
            if request_run.timers >= self._timer_limit:
                request_run.cut = True
                continue
            request_run.timers += 1
            # A timer armed for a past moment fires at once, not in the past.
            event, moment = timer_event(state.tenant, state.request_id, timer), max(due, request_run.since)
            reminder = self._replay.remind(event, moment)
            if reminder is None:
                self._take(event, moment)
            else:
                self._arm(request_id, reminder.timers.arm)

    def _arm(self, request_id: str, timers: Iterable[Timer]) -> None:
        for timer in timers:
            heapq.heappush(self._armed, (timer.due, request_id, timer.id))


def in_order(recorded_event: RecordedEvent) -> tuple[datetime, int]:
    return recorded_event.moment, recorded_event.order
