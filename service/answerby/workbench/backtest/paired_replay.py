"""Paired replay: recorded requests under two rulebooks at once, with each common decision made only once.

One state stands for both rulebooks as long as a request has not diverged. If the facts of a decision are unchanged,
as with most timers, the decision is made once. Otherwise both rulebooks decide. At the first difference the request
diverges and has its own state under each rulebook. The runs equal those of two single replays.
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
from answerby.engine.history.lifecycle import counted
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
"""The due time of a timer, its request, its id and its replay. A request that has not diverged uses the old replay."""


def comparable(new: CompiledRulebook, old: CompiledRulebook) -> bool:
    """Whether the rulebooks differ in rules, words and texts only. Then equal facts give equal decisions."""
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
    """The paired replay of two `comparable` rulebooks.

    The old replay keeps the state of a request until it diverges. The explanations of the new rules are kept beside it.
    """

    def __init__(self, new: CompiledRulebook, old: CompiledRulebook, timer_limit: int = TIMER_LIMIT) -> None:
        self._old, self._new = RulebookReplay(old, new), RulebookReplay(new, old)
        self._changes = ChangedStages(self._new.steps, self._old.steps)
        self._timer_limit = timer_limit
        self._armed: list[Armed] = []
        self._diverged: set[str] = set()
        """The requests that diverged. A request unknown to both replays has not diverged."""
        self._known: dict[str, list[StageExplanation]] = {}
        """By request that has not diverged: the new rules' explanation of the results that the old rules remember."""
        self._explanations: dict[str, Explanations] = {}
        """By request that has not diverged: the new rules' explanations of its run."""

    def run(
        self, requests: Sequence[RecordedRequest], horizon: datetime | None
    ) -> tuple[dict[str, RequestRun], dict[str, RequestRun]]:
        """The runs under the new and under the old rulebook; see SingleReplay.run.

        The new run of a request that never diverged has the old run in `unchanged_from`.
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
        """Requests of different runs do not affect each other."""
        self._old.begin()
        self._new.begin()
        self._armed, self._diverged, self._known, self._explanations = [], set(), {}, {}

    def _take(self, event: Event, moment: datetime) -> None:
        """Takes an event under both rulebooks, with its immediate effects on other requests."""
        event = counted(event, moment)
        # A fold makes many decisions, so each replay makes its own.
        if event.request_id in self._diverged or needs_fold(self._old.states.get(event.request_id), event):
            self._take_on(OLD, event, moment)
            self._take_on(NEW, event, moment)
            return
        both = self._together(event, moment)
        for follow_up in both:
            self._take(follow_up, moment)

    def _take_on(self, side: int, event: Event, moment: datetime) -> None:
        """Takes an event under one rulebook only."""
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
        """Takes an event of a request that has not diverged. Returns the common effects on other requests."""
        request_id, old = event.request_id, self._old
        old.request_run(request_id).pass_time(moment)
        state = old.states.get(request_id)
        context = old.context(event, state)
        # Counts can differ only if some request diverged.
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
        """The new rules decide, too, in the `other` context. The request diverges at the first difference."""
        request_id = event.request_id
        self._hand_over(request_id)
        after = self._new.decide(event, moment, other)
        # The results that the new rules remember may come from other counts.
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
        """Both replays take the decision, with the new rules' explanation."""
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
        """The new rules' explanation if their results equal those of the old ones.

        The rest of the decision is then equal.
        """
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
        """Whether the results are equal, even those that no clock or message shows yet."""
        before, after = self._old.memory.latest(request_id), self._new.memory.latest(request_id)
        return before is not None and after is not None and known_facts(before) == known_facts(after)

    def _diverge(self, request_id: str) -> None:
        """Gives each replay its own run, state and timers of the request."""
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
        """The state of the request as the new rulebook would have it: with targets set by the new revision."""
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
        """Whether the timer of the request only reminds. It is then done for both rulebooks."""
        request_id = event.request_id
        explained = self._known.get(request_id)
        due_reminder = self._old.remind(event, moment) if explained is not None else None
        if due_reminder is None or explained is None:
            return False
        self._explanations_of(request_id).latest = explained
        self._arm(OLD, request_id, due_reminder.timers.arm)
        return True


def same(before: Decision, after: Decision) -> bool:
    """Whether two decisions are equal in all that is compared and in all that later decisions use."""
    if before.facts != after.facts or before.arm != after.arm or before.cancel != after.cancel:
        return False
    if list(map(essence, before.effects)) != list(map(essence, after.effects)) or before.flags != after.flags:
        return False
    return before.follow_ups == after.follow_ups and bare(before.state) == bare(after.state)


def known_facts(results: StageResults) -> tuple[object, ...]:
    """The part of the results that later decisions may use."""
    targets = {name: (target.target, target.ladder) for name, target in results.targets.items()}
    return results.derived, targets, results.outputs.get("notify"), results.outputs.get("open_case")


def essence(effect: Effect) -> tuple[object, ...]:
    """The effect without its wording."""
    return effect.kind, effect.role, effect.key, effect.payload.get("case")


def bare(state: RequestState | None) -> RequestState:
    """The state without rule names and without the revision that set its targets."""
    assert state is not None
    return msgspec.structs.replace(state, clocks={name: unnamed(clock) for name, clock in state.clocks.items()})


def unnamed(clock: ClockState) -> ClockState:
    return msgspec.structs.replace(clock, rule="", revision="")
