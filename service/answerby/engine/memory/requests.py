"""Steps that remember each request, so that an event without a new fact does not run the rules again.

For callers that decide one request many times in a row, such as a backtest. The decisions are the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter

from answerby.domain.clock import ClockState, Timer
from answerby.domain.decision import Flag
from answerby.domain.event import Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.clocks.timers import TimerPlan, plan
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.facts.record import Record
from answerby.engine.history.steps import Steps
from answerby.engine.memory.dependencies import Dependencies, dependencies_of, first_stages_depend_on_request
from answerby.engine.memory.steps import RememberingSteps
from answerby.engine.stages.pipeline import first_stages, later_stages, request_fields
from answerby.engine.stages.stage import StageResult
from answerby.engine.stages.stage_results import StageResults, StagesSoFar
from answerby.sla.calendar import Calendar
from answerby.sla.clock_inputs import ClockTarget
from answerby.sla.ladders import StepTimers, arm

Key = tuple[object, ...]
OF_LATER_STAGES = 6
"""Number of the last parts of a key: the state of the request, which the first stages seldom read."""

IGNORED_FIELDS = frozenset(
    {
        *("tenant", "request_id", "source", "version", "number", "last_event", "decisions", "counts"),
        *("status", "reopen_count", "acknowledged", "acknowledged_by", "answers"),
        "derived",
        *("clocks", "timers", "ladders", "alerts", "merged", "absorbed"),
        *("priority_floor", "reassigned", "ladder_acts"),
    }
)
"""Fields of a request that no stage reads, or that other parts of the key cover. All others are in the key."""
_other_fields = attrgetter(*(name for name in RequestState.__struct_fields__ if name not in IGNORED_FIELDS))


class RememberedStepTimers(StepTimers):
    """The latest step timers of each clock of one request."""

    def __init__(self) -> None:
        self.latest: dict[str, tuple[ClockState, Ladder, list[Timer]]] = {}
        """By clock."""

    def of(
        self, ladders: Mapping[str, Ladder], calendars: Mapping[str, Calendar], clock: ClockState, ladder: Ladder
    ) -> list[Timer]:
        latest = self.latest.get(clock.name)
        if latest is not None and latest[0] is clock and latest[1] is ladder:
            return latest[2]
        timers = arm(ladders, calendars, clock)
        self.latest[clock.name] = clock, ladder, timers
        return timers


class LatestResults:
    """The latest results of one request, with their key."""

    def __init__(self, key: Key, results: StageResults, first: StagesSoFar) -> None:
        self.key = key
        self.results = results
        self.first = first
        """The first stages, from which other later stages go on. Nobody may change them; fork them."""


class RememberingRequests(Steps):
    """Remembers the latest stage results and timers of each request under one rulebook. Grows with the requests."""

    def __init__(self, steps: RememberingSteps, *others: CompiledRulebook) -> None:
        """A result that is found again is then also unchanged under the rulebooks `others`."""
        self.steps = steps
        rulebooks = (steps.compiled, *others)
        self._dependencies = Dependencies(*map(any, zip(*map(dependencies_of, rulebooks), strict=True)))
        self._first_stages_depend = any(map(first_stages_depend_on_request, rulebooks))
        self._requests: dict[str, LatestResults] = {}
        self._step_timers: dict[str, RememberedStepTimers] = {}
        self._reminder_results: dict[str, tuple[RequestState, StageResults, datetime]] = {}
        self.hit = False
        """Whether the latest lookup found results."""

    def forget(self) -> None:
        """Empties the memory."""
        self._requests.clear()
        self._step_timers.clear()
        self._reminder_results.clear()
        self.hit = False

    def run(self, compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> StageResult:
        return self.steps.run(compiled, stage, record, at)

    def stages(self, case: Case, inputs: Inputs) -> StageResults:
        compiled, request, event, counts = case.compiled, inputs.request, inputs.event, inputs.counts
        if compiled is not self.steps.compiled:
            raise ValueError("these steps remember another rulebook")
        request_id = request.request_id
        key = self.key(request, event, counts)
        results = self.find(request_id, key)
        if results is not None:
            return results
        known = self._requests.get(request_id)
        if known is not None and known.key[:-OF_LATER_STAGES] == key[:-OF_LATER_STAGES]:
            kept = known.first
            first = kept.fork()
            for name, value in request_fields(request).items():
                first.record.put(name, value)
        else:
            first = first_stages(self, compiled, request, event, counts)
            kept = first.fork()
        results = later_stages(self, compiled, request, event, first)
        self._requests[request_id] = LatestResults(key, results, kept)
        return results

    def clocks(
        self, case: Case, inputs: Inputs, results: StageResults, targets: Mapping[str, ClockTarget]
    ) -> tuple[dict[str, ClockState], list[Flag]]:
        return self.steps.clocks(case, inputs, results, targets)

    def timers(self, case: Case, inputs: Inputs, clocks: Mapping[str, ClockState]) -> TimerPlan:
        return plan(case, inputs, clocks, self.step_timers(inputs.request.request_id))

    def for_folds(self) -> Steps:
        return self.steps

    def key(self, request: RequestState, event: Event, counts: Mapping[str, int]) -> Key:
        """All inputs of the stages of a decision. Keep the key in step with `run_stages`."""
        dependencies = self._dependencies
        status = request.status if dependencies.status else None
        reopens = request.reopen_count if dependencies.reopens else None
        acknowledged = request.acknowledged is not None if dependencies.acknowledged else None
        return (
            *_other_fields(request),
            counts,
            event.time if dependencies.time else None,
            event.type if dependencies.type else None,
            event.actor if dependencies.actor else None,
            request.decisions if dependencies.events else None,
            (status, reopens, acknowledged) if self._first_stages_depend else None,
            request.priority_floor,
            request.reassigned,
            request.ladder_acts,
            status,
            reopens,
            acknowledged,
        )

    def find(self, request_id: str, key: Key) -> StageResults | None:
        """The latest results of the request, if they have this key."""
        known = self._requests.get(request_id)
        self.hit = known is not None and known.key == key
        return known.results if known is not None and self.hit else None

    def known(self, state: RequestState, event: Event) -> StageResults | None:
        """The results for an event that changes no fact of the request; None where they are not known."""
        return self.find(state.request_id, self.key(state, event, state.counts))

    def latest(self, request_id: str) -> StageResults | None:
        """The results of the latest decision on the request."""
        known = self._requests.get(request_id)
        return known.results if known is not None else None

    def keep_reminder(self, after: RequestState, results: StageResults, moment: datetime) -> None:
        """Remembers that a reminder left the request as `after`, with these results, as of `moment`."""
        # Rules that read the time or the number of decisions may decide otherwise at the next timer.
        if not (self._dependencies.time or self._dependencies.events):
            self._reminder_results[after.request_id] = after, results, moment

    def reminder_results(self, state: RequestState, moment: datetime) -> StageResults | None:
        """The results for any timer of the request, if a reminder left it as `state` by that moment."""
        latest = self._reminder_results.get(state.request_id)
        return latest[1] if latest is not None and latest[0] is state and latest[2] <= moment else None

    def step_timers(self, request_id: str) -> RememberedStepTimers:
        """The step timers of the request."""
        known = self._step_timers.get(request_id)
        if known is None:
            known = self._step_timers[request_id] = RememberedStepTimers()
        return known
