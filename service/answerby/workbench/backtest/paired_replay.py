"""Plays stories under two rulebooks at once, and decides only once what both decide alike.

As long as a request stands the same under both, one state stands for both. A decision whose facts are as they were, as
with most timers, is then the same under both, too, and made once. Upon any other, both rulebooks decide; with the
first difference the request parts, and goes its own way under each. It comes to the same courses as two plays.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from answerby.domain.clock import ClockState, Timer
from answerby.domain.decision import Decision, StageExplanation
from answerby.domain.effect import Effect
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.timer_event import timer_event
from answerby.engine.case import Case, Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.history.refold import needs_fold
from answerby.engine.history.transition import inputs_of
from answerby.engine.stages.stage_results import StageResults
from answerby.workbench.backtest.changed_stages import ChangedStages
from answerby.workbench.backtest.recorded_request import RecordedRequest
from answerby.workbench.backtest.request_run import Explanations, RequestRun
from answerby.workbench.backtest.rulebook_replay import RulebookReplay
from answerby.workbench.backtest.single_replay import TIMER_LIMIT, in_order

OLD, NEW = 0, 1
Armed = tuple[datetime, str, str, int]
"""When a timer is due, of which request, its id, and the side: the old one while the request is whole."""


def comparable(new: CompiledRulebook, old: CompiledRulebook) -> bool:
    """Whether the rulebooks differ at most in rules, words and texts: equal facts then come to equal decisions."""
    one, other = new.rulebook, old.rulebook
    return (
        one.vocabulary == other.vocabulary
        and one.calendars == other.calendars
        and one.clocks == other.clocks
        and one.ladders == other.ladders
        and one.roles == other.roles
        and new.target_fields == old.target_fields
    )


class PairedReplay:
    """Two rulebooks that are `alike`.

    While a request stands the same under both, all of it is kept on the old side, and how the new rules explain it.
    """

    def __init__(self, new: CompiledRulebook, old: CompiledRulebook, timer_limit: int = TIMER_LIMIT) -> None:
        self._old, self._new = RulebookReplay(old, new), RulebookReplay(new, old)
        self._changes = ChangedStages(self._new.steps, self._old.steps)
        self._timer_limit = timer_limit
        self._armed: list[Armed] = []
        self._diverged: set[str] = set()
        """Requests that do not stand the same on both sides. One that is unknown on both does."""
        self._known: dict[str, list[StageExplanation]] = {}
        """Of whole requests: how the new rules explain the results that the old ones remember."""
        self._explanations: dict[str, Explanations] = {}
        """Of whole requests: how the new rules explain their courses."""

    def run(
        self, requests: Sequence[RecordedRequest], horizon: datetime | None
    ) -> tuple[dict[str, RequestRun], dict[str, RequestRun]]:
        """The courses under the new and under the old rulebook; see Play.run.

        Of a request that stood the same to the end, the new course has the old one as its `twin`.
        """
        self._begin()
        events = [recorded_event for request in requests for recorded_event in request.events]
        if len(requests) > 1:
            events.sort(key=in_order)
        for recorded_event in events:
            self._fire(recorded_event.moment, included=False)
            self._take(recorded_event.event, recorded_event.moment)
        self._fire(horizon, included=True)
        if horizon is not None:
            for side in (self._old, self._new):
                for request_run in side.runs.values():
                    request_run.pass_time(horizon, included=True)
        for request_id, request_run in self._old.runs.items():
            if request_id not in self._diverged:
                explained_run = request_run.with_explanations(self._explanations_of(request_id))
                explained_run.unchanged_from = request_run
                self._new.runs[request_id] = explained_run
        return self._new.runs, self._old.runs

    def _begin(self) -> None:
        """Requests of different runs know nothing of each other."""
        self._old.begin()
        self._new.begin()
        self._armed, self._diverged, self._known, self._explanations = [], set(), {}, {}

    def _take(self, event: Event, moment: datetime) -> None:
        """On both sides, with what follows for other requests at once."""
        # A fold makes many decisions; each side makes its own.
        if event.request_id in self._diverged or needs_fold(self._old.states.get(event.request_id), event):
            self._take_on(OLD, event, moment)
            self._take_on(NEW, event, moment)
            return
        both = self._together(event, moment)
        for follow_up in both:
            self._take(follow_up, moment)

    def _take_on(self, side: int, event: Event, moment: datetime) -> None:
        """On one side only."""
        self._diverge(event.request_id)
        own = self._new if side == NEW else self._old
        own.request_run(event.request_id).pass_time(moment)
        context = own.context(event, own.states.get(event.request_id))
        self._settle_on(side, event, own.decide(event, moment, context), moment)

    def _settle_on(self, side: int, event: Event, decided: Decision | AnswerbyError, moment: datetime) -> None:
        own = self._new if side == NEW else self._old
        decision = own.settle(event, decided)
        if decision is None:
            return
        self._arm(side, event.request_id, decision.arm)
        for follow_up in decision.follow_ups:
            self._take_on(side, follow_up, moment)

    def _together(self, event: Event, moment: datetime) -> list[Event]:
        """An event of a request that stands the same on both sides. What both sides tell others alike."""
        request_id, old = event.request_id, self._old
        old.request_run(request_id).pass_time(moment)
        state = old.states.get(request_id)
        context = old.context(event, state)
        # What is counted can differ only where a request stands differently.
        other = self._new.context(event, state) if self._diverged else context
        before = old.decide(event, moment, context)
        if context != other or isinstance(before, AnswerbyError):
            return self._compared(event, moment, before, other)
        explained = self._known.get(request_id) if old.memory.hit else None
        if explained is None:
            explained = self._new_explanation(event, state, moment, other)
        if explained is None:
            return self._compared(event, moment, before, other)
        self._known[request_id] = explained
        return self._settle(event, before, explained)

    def _compared(
        self, event: Event, moment: datetime, before: Decision | AnswerbyError, other: Context
    ) -> list[Event]:
        """Decided by the new rules, too, in the `other` context. The first difference parts the request."""
        request_id = event.request_id
        self._hand_over(request_id)
        after = self._new.decide(event, moment, other)
        # What the new rules remember of it may be of other counts.
        self._known.pop(request_id, None)
        if isinstance(before, AnswerbyError) and isinstance(after, AnswerbyError):
            self._old.settle(event, before)
            return []
        if (
            isinstance(before, Decision)
            and isinstance(after, Decision)
            and same(before, after)
            and self._same_results(request_id)
        ):
            return self._settle(event, before, after.explanation)
        self._diverge(request_id)
        self._settle_on(OLD, event, before, moment)
        self._settle_on(NEW, event, after, moment)
        return []

    def _settle(self, event: Event, decision: Decision, explained: list[StageExplanation]) -> list[Event]:
        """Both sides have come to the decision; the new rules explain it so."""
        request_id = event.request_id
        if self._diverged and self._new.windows and decision.state is not None:
            self._new.windows.note(self._old.states.get(request_id), decision.state)
        self._old.settle(event, decision)
        self._explanations_of(request_id).note(event, explained)
        self._arm(OLD, request_id, decision.arm)
        return decision.follow_ups

    def _explanations_of(self, request_id: str) -> Explanations:
        explanations = self._explanations.get(request_id)
        if explanations is None:
            explanations = self._explanations[request_id] = Explanations()
        return explanations

    def _new_explanation(
        self, event: Event, state: RequestState | None, moment: datetime, context: Context
    ) -> list[StageExplanation] | None:
        """How the new rules explain it, if they say what the old ones do: all else of the decision follows alike."""
        before = self._old.memory.latest(event.request_id)
        if before is None:
            return None
        explanation = self._changes.explanation(before)
        if explanation is not None:
            return explanation
        case = Case(self._new.compiled, state, event, context, moment)
        after = self._new.memory.stages(case, inputs_of(case))
        return after.explanation if known_facts(before) == known_facts(after) and before.flags == after.flags else None

    def _same_results(self, request_id: str) -> bool:
        """Whether what the rules said is the same also where no clock or message shows it yet."""
        before, after = self._old.memory.latest(request_id), self._new.memory.latest(request_id)
        return before is not None and after is not None and known_facts(before) == known_facts(after)

    def _diverge(self, request_id: str) -> None:
        """From here on each side has its own course, state and timers."""
        if request_id in self._diverged:
            return
        old, new = self._old, self._new
        if not self._diverged:
            new.windows.take(old.windows)
        self._diverged.add(request_id)
        if request_id in old.runs:
            new.runs[request_id] = old.runs[request_id].with_explanations(self._explanations_of(request_id))
            new.histories[request_id] = list(old.histories.get(request_id, ()))
        state = self._hand_over(request_id)
        for timer in state.timers.values() if state is not None else ():
            if not timer.fired:
                heapq.heappush(self._armed, (timer.due, request_id, timer.id, NEW))

    def _hand_over(self, request_id: str) -> RequestState | None:
        """The state of a whole request as the new side would have it: its targets set by the new revision."""
        state = self._old.states.get(request_id)
        if state is not None:
            old, new = (side.compiled.rulebook.revision for side in (self._old, self._new))
            clocks = {
                name: msgspec.structs.replace(clock, revision=new) if clock.revision == old else clock
                for name, clock in state.clocks.items()
            }
            state = self._new.states[request_id] = msgspec.structs.replace(state, clocks=clocks)
        return state

    def _arm(self, side: int, request_id: str, timers: Iterable[Timer]) -> None:
        for timer in timers:
            heapq.heappush(self._armed, (timer.due, request_id, timer.id, side))

    def _fire(self, until: datetime | None, *, included: bool) -> None:
        armed = self._armed
        while armed and (until is None or armed[0][0] < until or (included and armed[0][0] == until)):
            due, request_id, timer_id, side = heapq.heappop(armed)
            own = self._new if side == NEW else self._old
            state = own.states[request_id]
            timer = state.timers.get(timer_id)
            if timer is None or timer.fired or timer.due != due:
                continue
            request_run = own.runs[request_id]
            if request_run.timers >= self._timer_limit:
                request_run.cut = True
                continue
            request_run.timers += 1
            event, moment = timer_event(state.tenant, state.request_id, timer), max(due, request_run.since)
            if request_id not in self._diverged:
                if not self._remind_both(event, moment):
                    self._take(event, moment)
                continue
            due_reminder = own.remind(event, moment)
            if due_reminder is None:
                self._take_on(side, event, moment)
            else:
                self._arm(side, request_id, due_reminder.timers.arm)

    def _remind_both(self, event: Event, moment: datetime) -> bool:
        """Whether the timer of a whole request only reminds, which is then done for both sides."""
        request_id = event.request_id
        explained = self._known.get(request_id)
        due_reminder = self._old.remind(event, moment) if explained is not None else None
        if due_reminder is None or explained is None:
            return False
        self._explanations_of(request_id).latest = explained
        self._arm(OLD, request_id, due_reminder.timers.arm)
        return True


def same(before: Decision, after: Decision) -> bool:
    """Whether nothing that a backtest compares, or that later decisions depend on, differs."""
    if before.facts != after.facts or before.arm != after.arm or before.cancel != after.cancel:
        return False
    if list(map(essence, before.effects)) != list(map(essence, after.effects)) or before.flags != after.flags:
        return False
    return before.follow_ups == after.follow_ups and bare(before.state) == bare(after.state)


def known_facts(results: StageResults) -> tuple[object, ...]:
    """What later decisions may take from the results."""
    targets = {name: (target.target, target.ladder) for name, target in results.targets.items()}
    return results.derived, targets, results.outputs.get("notify"), results.outputs.get("open_case")


def essence(effect: Effect) -> tuple[object, ...]:
    """Of an effect, whom it tells what; not in which words."""
    return effect.kind, effect.role, effect.key, effect.payload.get("case")


def bare(state: RequestState | None) -> RequestState:
    """A state without the names of the rules and the revision that set its targets."""
    assert state is not None
    return msgspec.structs.replace(state, clocks={name: unnamed(clock) for name, clock in state.clocks.items()})


def unnamed(clock: ClockState) -> ClockState:
    return msgspec.structs.replace(clock, rule="", revision="")
