"""The requests of one case under a virtual clock, decided by `decide()` as on a server."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from answerby.domain.clock import Timer
from answerby.domain.decision import Decision
from answerby.domain.effect import Effect
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.timer_event import timer_event
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import TIMER_LIMIT, next_timer
from answerby.engine.decide import decide
from answerby.engine.follower_ids import LONGEST, ids_for
from answerby.engine.history.lifecycle import counted
from answerby.engine.history.refold import needs_fold
from answerby.engine.history.replies import begins_request
from answerby.engine.memory.steps import RememberingSteps
from answerby.engine.schedules.decide_schedule import ScheduleFiring, decide_schedule
from answerby.engine.schedules.summary import Summary
from answerby.workbench.backtest.windows import WindowsInMemory
from answerby.workbench.rule_tests.cases import CaseEvent, default_id
from answerby.workbench.rule_tests.schedule_queue import QueuedSchedule, ScheduleQueue
from answerby.workbench.rule_tests.snapshot import RequestSnapshot
from answerby.workbench.rule_tests.trace import Trace

TENANT = "default"


class TooManyTimers(Exception):
    """One case fired more than TIMER_LIMIT timers and schedules: a ladder repeats without end."""


@dataclass(slots=True)
class CaseRequest:
    """One request of a case: its latest decision, and the effects since its latest event."""

    decision: Decision
    event: Event
    effects: list[Effect] = field(default_factory=list)

    @property
    def state(self) -> RequestState:
        assert self.decision.state is not None
        return self.decision.state


class CaseRun:
    """One run of a case. `windows` counts the requests outside the case, by window field."""

    def __init__(
        self, steps: RememberingSteps, windows: Mapping[str, int], schedules: Iterable[str], start: datetime
    ) -> None:
        self._steps = steps
        self._compiled = compiled = steps.compiled
        self._windows = windows
        self._queue = ScheduleQueue(compiled.rulebook, schedules, start)
        self._requests: dict[str, CaseRequest] = {}
        self._histories: dict[str, list[Event]] = {}
        self._counted = WindowsInMemory(compiled.rulebook.vocabulary)
        self._events = 0
        self._fired = 0
        self._now: datetime | None = None
        self.trace = Trace()

    def apply(self, case_event: CaseEvent, at: datetime) -> None:
        """Runs until `at`, then decides the event and its follow-ups. Raises TooManyTimers, AnswerbyError."""
        self.run_until(at)
        self._events += 1
        event = Event(
            source=case_event.source,
            id=case_event.id or default_id(self._events),
            type=case_event.type,
            time=case_event.happened or at,
            request_id=case_event.request,
            actor=case_event.actor,
            actor_id=case_event.actor_id,
            data=dict(case_event.facts),
        )
        waiting = deque(self._decide(event, at, of_case=True).follow_ups)
        while waiting:
            waiting += self._decide(waiting.popleft(), at).follow_ups

    def run_until(self, moment: datetime) -> None:
        """Fires every timer and schedule due by `moment`, each at its own time. Raises TooManyTimers.

        A timer that another one arms fires too, if it is due by then.
        """
        while True:
            due, queued = self._next_timer(moment), self._queue.next(moment)
            if due is None and queued is None:
                self._now = max(moment, self._now or moment)
                return
            self._fired += 1
            if self._fired > TIMER_LIMIT:
                raise TooManyTimers
            if due is not None and (queued is None or due[1].due <= queued.occurrence.time):
                request, timer = due
                self.trace.add_timer(request.state, timer)
                self._fire(request.state, timer)
            elif queued is not None:
                self._run_schedule(queued)

    def _run_schedule(self, queued: QueuedSchedule) -> None:
        """Decides a schedule. Its effects count for every request of the case: a summary is about all of them."""
        self._queue.complete(queued)
        moment = queued.occurrence.time
        summary = Summary(self._compiled, queued.schedule, queued.occurrence, moment)
        for name in sorted(self._requests):
            summary.add(self._requests[name].state)
        firing = ScheduleFiring(TENANT, queued.schedule, queued.occurrence, (), queued.number)
        decision = decide_schedule(self._compiled, firing, summary, moment)
        for request in self._requests.values():
            request.effects += decision.effects
        for event in decision.follow_ups:
            self._decide(event, moment)

    def _fire(self, state: RequestState, timer: Timer) -> None:
        """Fires a timer. One armed for a moment in the past fires at once and is marked late, as on a server."""
        now = max(timer.due, self._now or timer.due)
        delay_seconds = int((now - timer.due).total_seconds())
        self._decide(timer_event(state.tenant, state.request_id, timer, delay_seconds), now)

    def snapshot(self, name: str) -> RequestSnapshot:
        """The present snapshot of a request. Raises KeyError for a request without an event."""
        snapshots = {
            other: RequestSnapshot(
                self._compiled,
                request.decision,
                request.event,
                request.effects,
                tuple(self._histories[other]),
                self._now,
            )
            for other, request in self._requests.items()
        }
        for snapshot in snapshots.values():
            snapshot.others = snapshots
        return snapshots[name]

    def _decide(self, event: Event, now: datetime, *, of_case: bool = False) -> Decision:
        """Decides an event. One of the case, as against a timer or a notice, begins the list of effects anew."""
        event = counted(event, now)
        request = self._requests.get(event.request_id)
        state = self._state_of(event.request_id)
        self._now = now
        context = Context(self._counts(state, event))
        history = self._histories.setdefault(event.request_id, [])
        late = needs_fold(state, event)
        if late or begins_request(state, event):
            context = context._replace(follower_ids=ids_for(event.request_id, LONGEST, self._state_of))
        if late:
            context = context._replace(history=list(history))
        decision = decide(self._compiled, state, event, context, now, self._steps)
        history.append(event)
        assert decision.state is not None
        self._counted.note(state, decision.state)
        self.trace.add_decision(decision)
        if of_case or request is None:
            self._requests[event.request_id] = CaseRequest(decision, event, list(decision.effects))
        else:
            request.decision = decision
            request.effects += decision.effects
        return decision

    def _state_of(self, request_id: str) -> RequestState | None:
        known = self._requests.get(request_id)
        return known.state if known is not None else None

    def _next_timer(self, moment: datetime) -> tuple[CaseRequest, Timer] | None:
        first: tuple[CaseRequest, Timer] | None = None
        for name in sorted(self._requests):
            request = self._requests[name]
            timer = next_timer(request.state, moment)
            if timer is not None and (first is None or timer.due < first[1].due):
                first = (request, timer)
        return first

    def _counts(self, state: RequestState | None, event: Event) -> dict[str, int]:
        """The counts that a store would give: the other requests of the case, and the `windows` of the case."""
        counts = dict(self._windows)
        for name, count in self._counted.counts(event, state).items():
            counts[name] = counts.get(name, 0) + count
        return counts
