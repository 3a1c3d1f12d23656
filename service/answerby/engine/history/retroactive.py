"""The decision on an event that comes late or corrects another: what the request would be, had it come in order.

What was delivered meanwhile stays delivered: what of it no longer holds is taken back by effects of their own.
"""

# Stays interpreted: late events are rare.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockState
from answerby.domain.decision import Flag
from answerby.domain.effect import Effect
from answerby.domain.event import INTERNAL_SOURCE, Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.case import Case, EarlierRules
from answerby.engine.clocks import ladder_steps
from answerby.engine.clocks.advance import mark_breaches
from answerby.engine.clocks.reach import facts_changed
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.effects.late import RequestChange, fold_flags, late_effects, renumbered_timer
from answerby.engine.history.refold import (
    MOST_EVENTS,
    FoldInputs,
    OrderedHistory,
    corrected_name,
    earlier_rules_of,
    fired_before,
    fold,
    is_correction,
    keeps_target,
    name_of,
    ordered_history,
)
from answerby.engine.history.steps import Steps
from answerby.engine.history.transition import Transition
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.ladders import TimerPlanning, plan_timers


class LateResult(NamedTuple):
    """Result of a late event, as of `moment`."""

    transition: Transition
    effects: list[Effect]
    flags: list[Flag]
    moment: datetime


class FoldResult(NamedTuple):
    """Result of a fold."""

    last: Transition
    of_event: Transition | None
    """The transition of the late event itself; a correction has none."""
    moment: datetime


def decide_late(case: Case, steps: Steps) -> LateResult | None:
    """None when the history is not known, incomplete or too long, or nothing of it is left."""
    compiled, state, event, history = case.compiled, case.state, case.event, case.context.history
    if state is None or history is None or len(history) != state.decisions or len(history) >= MOST_EVENTS:
        return None
    ordered = ordered_history(history, event)
    if not ordered.events:
        return None
    ladders = ladder_steps.ladders_in_force(compiled.rulebook, state, event)
    earlier, fired = earlier_rules_of(compiled.rulebook, state, ladders), fired_before(history, state)
    result = _fold(case, ordered, earlier, fired, steps)
    facts_moved = facts_changed(compiled.target_fields, state, result.last.after, result.last.after.derived)
    runs = renumbered_clocks(state, result.last.after)
    new_earlier = EarlierRules({}, ladders) if facts_moved and earlier.targets else earlier
    new_fired = _with_new_ids(fired, state, runs)
    if (new_earlier, new_fired) != (earlier, fired):
        # The facts of the targets are others now, so the active rules give them; or a run has another number.
        result = _fold(case, ordered, new_earlier, new_fired, steps)
        runs = renumbered_clocks(state, result.last.after)
    after = _after(compiled.rulebook, state, result, ordered, keep=not facts_moved)
    timers = _timers(case, ladders, state, runs, after, result.moment)
    after = replace(after, timers=timers.after, ladders=ladder_steps.ladders_in_use(ladders, after.clocks))
    fold_case = Case(compiled, state, event, case.context, result.moment)
    request_change = RequestChange(fold_case, state, runs, result.last.after.timers, after)
    of_event = result.of_event
    event_results = of_event.results if of_event is not None else None
    effects, alerts = late_effects(request_change, result.last.results, event_results)
    change = result.last._replace(
        after=replace(after, alerts=alerts), timers=timers, follow_ups=_follow_ups(result, state, event)
    )
    flags = [*(of_event.flags if of_event is not None else ()), *change.results.flags, *change.clock_flags]
    flags += [*ordered.flags, *fold_flags(state, after, event, len(ordered.events))]
    if is_correction(event) and ordered.awaited:
        flags.append(_awaits(ordered.awaited))
    return LateResult(change, effects, list(dict.fromkeys(flags)), result.moment)


def why_not_folded(case: Case) -> list[Flag]:
    """Why a late event was decided as it came."""
    state, event, history = case.state, case.event, case.context.history
    if state is None:
        return [_awaits([name_of(event)])] if is_correction(event) else []
    if state.decisions >= MOST_EVENTS:
        problem = f"the request has {state.decisions} events, and at most {MOST_EVENTS} are folded"
    elif history is None and not is_correction(event):
        return []
    elif history is None:
        problem = "its history is not at hand"
    elif len(history) != state.decisions:
        problem = f"{len(history)} of its {state.decisions} events are at hand"
    else:
        problem = "nothing of its history is left"
    code = "CORRECTION_NOT_APPLIED" if is_correction(event) else "NOT_FOLDED"
    return [Flag(code, f"the request's clocks were not computed anew: {problem}")]


def _fold(
    case: Case, ordered: OrderedHistory, earlier: EarlierRules, fired: frozenset[str], steps: Steps
) -> FoldResult:
    event, context = case.event, case.context
    counts = case.state.counts if case.state is not None else {}
    fold_context = context._replace(windows={**context.windows, **counts}, history=None, earlier_rules=earlier)
    moment = max(case.moment, ordered.events[-1].time) if event.historical else case.moment
    last, of_event = None, None
    for name, change in fold(case.compiled, ordered.events, FoldInputs(fired, fold_context, moment), steps):
        last = change
        if name == name_of(event):
            of_event = change
    assert last is not None
    return FoldResult(last, of_event, moment)


def _after(
    rulebook: Rulebook, state: RequestState, result: FoldResult, ordered: OrderedHistory, *, keep: bool
) -> RequestState:
    """The request as the fold leaves it, with what no fold can change."""
    request = result.last.after
    clocks = dict(request.clocks)
    for name, clock in state.clocks.items():
        # The active rules say nothing of it any more; an edit does not reach it.
        if keep and name not in clocks and clock.revision != rulebook.revision and keeps_target(rulebook, clock):
            clocks[name] = clock
    clocks = dict(sorted(clocks.items()))
    mark_breaches(clocks, result.moment)
    return replace(
        request,
        version=state.version + 1,
        decisions=state.decisions + 1,
        number=state.number,
        source=request.source if state.source.startswith(INTERNAL_SOURCE) else state.source,
        counts=state.counts,
        clocks=clocks,
        awaited=ordered.awaited,
    )


def renumbered_clocks(state: RequestState, after: RequestState) -> dict[str, ClockState]:
    """The clocks before, each run under the cycle that it has now: a late event may have begun one before it."""
    return {name: _renumbered(clock, after.clocks.get(name)) for name, clock in state.clocks.items()}


def _renumbered(clock: ClockState, now: ClockState | None) -> ClockState:
    if now is None or now.cycle == clock.cycle or now.started != clock.started:
        return clock
    return replace(clock, cycle=now.cycle)


def _with_new_ids(fired: frozenset[str], state: RequestState, runs: Mapping[str, ClockState]) -> frozenset[str]:
    """With the names that the timers of this run have now."""
    timers = [timer for timer in state.timers.values() if timer.fired]
    return fired | {
        renumbered_timer(timer, state.clocks.get(timer.clock), runs.get(timer.clock)).id for timer in timers
    }


def _timers(
    case: Case,
    ladders: Mapping[str, Ladder],
    state: RequestState,
    runs: Mapping[str, ClockState],
    after: RequestState,
    moment: datetime,
) -> TimerPlan:
    """The timers after a fold. A step that fired stays fired if the history as it is now has it fire; else it is still
    to come, or never comes.
    """
    if case.event.historical:
        return TimerPlan([], [], dict(state.timers))
    fired_timers = {name: timer for name, timer in after.timers.items() if timer.fired}
    before = {timer.id: timer for timer in state.timers.values() if not timer.fired}
    for timer in state.timers.values():
        known = renumbered_timer(timer, state.clocks.get(timer.clock), runs.get(timer.clock))
        if timer.fired and known.id in fired_timers:
            fired_timers[known.id] = known
    before |= fired_timers
    planning = TimerPlanning(ladders, case.compiled.rulebook.calendars, moment, after.acknowledged)
    arm, cancel, timers = plan_timers(planning, before, after.clocks)
    return TimerPlan(arm, cancel, timers)


def _follow_ups(result: FoldResult, state: RequestState, event: Event) -> list[Event]:
    """Events for other requests that follow from the late event; named after the decision that it has."""
    if result.of_event is None:
        return []
    name = f"{state.request_id}/{state.decisions + 1}"
    return [replace(each, id=name, historical=event.historical) for each in result.of_event.follow_ups]


def _awaits(names: Sequence[str]) -> Flag:
    return Flag("CORRECTION_WAITS", f"not known yet: {', '.join(names)}; the correction counts from when it comes")


def with_awaited(after: RequestState, event: Event) -> RequestState:
    """A first event that corrects another says which one is still to come."""
    if not is_correction(event) or after.decisions > 1:
        return after
    return replace(after, awaited=[corrected_name(event)])
