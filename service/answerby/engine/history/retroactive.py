"""Decides events that come late or correct another: the request becomes what it would be, had they come in order.

Delivered effects stay delivered. Messages that no longer hold are corrected by effects of their own.
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
from answerby.domain.reply_policy import Reply
from answerby.domain.request import RequestState
from answerby.engine.case import Case, EarlierRules
from answerby.engine.clocks import ladder_steps
from answerby.engine.clocks.advance import mark_breaches
from answerby.engine.clocks.reach import facts_changed
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.effects.late import RequestChange, fold_flags, late_effects, renumbered_timer
from answerby.engine.effects.replies import reply_effects
from answerby.engine.history import merging
from answerby.engine.history.lifecycle import name_of
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
    ordered_history,
)
from answerby.engine.history.steps import Steps
from answerby.engine.history.transition import Transition
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.ladders import TimerPlanning, plan_timers


class LateResult(NamedTuple):
    """Result of a late event."""

    transition: Transition
    effects: list[Effect]
    flags: list[Flag]
    moment: datetime
    """What counts as now: later than the case's moment where a historical event is not the last."""


class FoldResult(NamedTuple):
    """Result of a fold."""

    last: Transition
    of_event: Transition | None
    """The transition of the late event itself; a correction has none."""
    moment: datetime
    merge_notice: Event | None = None
    """The notice of the merge in which the request ends."""
    replies: Sequence[Reply] = ()
    """Messages to the finished request of which people were not told yet."""
    passed_on: Sequence[Event] = ()
    """Messages of the customer that the late event sends on to another request."""


def decide_late(case: Case, steps: Steps) -> LateResult | None:
    """Decides a late event or a correction by folding the history of its request.

    None when the history is not known, incomplete or too long, or when corrections leave nothing of it.
    """
    state, event, history = case.state, case.event, case.context.history
    if state is None or history is None or len(history) != state.decisions or len(history) >= MOST_EVENTS:
        return None
    ordered = ordered_history(history, event)
    if not ordered.events:
        return None
    rulebook = case.compiled.rulebook
    ladders = ladder_steps.ladders_in_force(rulebook, state, event)
    result, facts_moved = _settled_fold(case, state, ordered, ladders, steps)
    change = RequestChange(
        case=Case(case.compiled, state, event, case.context, result.moment),
        before=state,
        runs=renumbered_clocks(state, result.last.after),
        fold_timers=result.last.after.timers,
        after=_after(rulebook, state, result, ordered, keep=not facts_moved),
    )
    timers = _timers(change, ladders)
    in_use = ladder_steps.ladders_in_use(ladders, change.after.clocks)
    change = change._replace(after=replace(change.after, timers=timers.after, ladders=in_use))
    of_event = result.of_event
    effects, alerts = late_effects(change, result.last.results, of_event.results if of_event is not None else None)
    for reply in result.replies:
        effects += reply_effects(change.case, change.after, reply)
    last = result.last._replace(
        after=replace(change.after, alerts=alerts), timers=timers, follow_ups=_follow_ups(result, state, event)
    )
    flags = [*(of_event.flags if of_event is not None else ()), *last.results.flags, *last.clock_flags]
    flags += [*ordered.flags, *fold_flags(case.compiled, state, change.after, event, len(ordered.events))]
    if is_correction(event) and ordered.awaited:
        flags.append(_awaits(ordered.awaited))
    return LateResult(last, effects, list(dict.fromkeys(flags)), result.moment)


def why_not_folded(case: Case) -> list[Flag]:
    """Flags that say why a late event was decided as it came."""
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


def _settled_fold(
    case: Case, state: RequestState, ordered: OrderedHistory, ladders: Mapping[str, Ladder], steps: Steps
) -> tuple[FoldResult, bool]:
    """Folds the history, and once more where the first fold shows that its inputs no longer hold.

    Also returns whether the fold changes a fact on which targets depend.
    """
    compiled, history = case.compiled, case.context.history or ()
    earlier, fired = earlier_rules_of(compiled.rulebook, state, ladders), fired_before(history, state)
    result = _fold(case, ordered, earlier, fired, steps)
    after = result.last.after
    # Clocks keep the targets of an earlier revision only while the facts behind the targets stay the same.
    facts_moved = facts_changed(compiled.target_fields, state, after, after.derived)
    new_earlier = EarlierRules({}, ladders) if facts_moved and earlier.targets else earlier
    # A late event may begin a run before the known ones. Their cycles then count up, and their timers have new ids.
    new_fired = _with_new_ids(fired, state, renumbered_clocks(state, after))
    if (new_earlier, new_fired) != (earlier, fired):
        result = _fold(case, ordered, new_earlier, new_fired, steps)
    return result, facts_moved


def _fold(
    case: Case, ordered: OrderedHistory, earlier: EarlierRules, fired: dict[str, int], steps: Steps
) -> FoldResult:
    event, context = case.event, case.context
    counts = case.state.counts if case.state is not None else {}
    fold_context = context._replace(windows={**context.windows, **counts}, history=None, earlier_rules=earlier)
    moment = max(case.moment, ordered.events[-1].time) if event.historical else case.moment
    last, of_event, notice = None, None, None
    known = case.state.passed_on if case.state is not None else []
    passed_on: list[Event] = []
    told: list[Reply] = []
    for name, change in fold(case.compiled, ordered.events, FoldInputs(fired, fold_context, moment), steps):
        last = change
        if name == name_of(event):
            of_event = change
        if change.reply is not None and change.reply.name not in known:
            told.append(change.reply)
        if name not in known:
            passed_on += filter(merging.is_passed_on, change.follow_ups)
        if change.after.merged is None:
            notice = None
        notice = next((each for each in change.follow_ups if each.data.get(merging.ABSORBED)), notice)
    assert last is not None
    return FoldResult(last, of_event, moment, notice, told, passed_on)


def _after(
    rulebook: Rulebook, state: RequestState, result: FoldResult, ordered: OrderedHistory, *, keep: bool
) -> RequestState:
    """The request at the end of the fold, with the parts that no fold changes.

    `keep`: clocks that the active rules no longer give stay, where an earlier revision set them.
    """
    request = result.last.after
    clocks = dict(request.clocks)
    for name, clock in state.clocks.items():
        # The active rules give this clock no target any more, and a rule change does not reach it.
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
    """The clocks before, each with the cycle number that its run has now: a late event may begin a run before it."""
    return {name: _renumbered(clock, after.clocks.get(name)) for name, clock in state.clocks.items()}


def _renumbered(clock: ClockState, now: ClockState | None) -> ClockState:
    if now is None or now.cycle == clock.cycle or now.started != clock.started:
        return clock
    return replace(clock, cycle=now.cycle)


def _with_new_ids(fired: dict[str, int], state: RequestState, runs: Mapping[str, ClockState]) -> dict[str, int]:
    """The firings by id, also by the new ids of timers whose run has another cycle number now."""
    timers = [timer for timer in state.timers.values() if timer.firings]
    new = [(renumbered_timer(timer, state.clocks.get(timer.clock), runs.get(timer.clock)), timer) for timer in timers]
    return fired | {renumbered.id: len(timer.firings) for renumbered, timer in new}


def _timers(change: RequestChange, ladders: Mapping[str, Ladder]) -> TimerPlan:
    """The timers after a fold.

    A step that fired stays fired as often as it fires in the folded history too. Else it is still to come, or never
    comes.
    """
    state, after = change.before, change.after
    if change.case.event.historical:
        return TimerPlan([], [], dict(state.timers))
    fired = {name: timer for name, timer in change.fold_timers.items() if timer.fired}
    armed = {timer.id: timer for timer in state.timers.values() if not timer.fired}
    for timer in state.timers.values():
        renumbered = renumbered_timer(timer, state.clocks.get(timer.clock), change.runs.get(timer.clock))
        in_fold = change.fold_timers.get(renumbered.id)
        held = timer.firings[: len(in_fold.firings)] if in_fold is not None else ()
        answered = in_fold is not None and in_fold.answered
        if held:
            # Kept as it really fired: the fold fires it at its due time, and may hold its reminders back otherwise.
            fired[renumbered.id] = replace(renumbered, due=held[-1], fired=True, spent=held[:-1], answered=answered)
        if not timer.fired and timer.spent:
            armed[timer.id] = replace(timer, spent=held, answered=answered)
            if renumbered.id == timer.id:
                fired.pop(timer.id, None)
    before = armed | fired
    calendars = change.case.compiled.rulebook.calendars
    planning = TimerPlanning(ladders, calendars, change.case.moment, after.answers)
    arm, cancel, timers = plan_timers(planning, before, after.clocks)
    return TimerPlan(arm, cancel, timers)


def _follow_ups(result: FoldResult, state: RequestState, event: Event) -> list[Event]:
    """Events for other requests that follow from the late event, named after the decision on it."""
    found = list(result.of_event.follow_ups) if result.of_event is not None else []
    found += [each for each in result.passed_on if each not in found]
    found += _notice_again(result, state, found)
    name = f"{state.request_id}/{state.decisions + 1}"
    names = [f"{name}/{number}" if number else name for number in range(len(found))]
    return [replace(each, id=own, historical=event.historical) for own, each in zip(names, found, strict=True)]


def _notice_again(result: FoldResult, state: RequestState, known: Sequence[Event]) -> list[Event]:
    """The notice of the merge once more, if the late event changes what the survivor was told."""
    before, after, notice = state.merged, result.last.after, result.merge_notice
    if before is None or notice is None or notice in known or notice.request_id != before.into:
        return []
    same = after.merged is not None and before.waiting == after.merged.waiting and state.created == after.created
    return [] if same else [notice]


def _awaits(names: Sequence[str]) -> Flag:
    return Flag("CORRECTION_WAITS", f"not known yet: {', '.join(names)}; the correction counts from when it comes")


def with_awaited(after: RequestState, event: Event) -> RequestState:
    """The request with the event that its first event corrects, as one that is still to come."""
    if not is_correction(event) or after.decisions > 1:
        return after
    return replace(after, awaited=[corrected_name(event)])
