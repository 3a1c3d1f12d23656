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
from answerby.engine.clocks import ladder_steps
from answerby.engine.clocks.advance import mark_breaches
from answerby.engine.clocks.reach import facts_changed
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.late import Scene, late_effects, under_cycle, what_moved
from answerby.engine.history.refold import (
    MOST_EVENTS,
    Course,
    corrected,
    course_of,
    fired_before,
    fold,
    is_correction,
    is_kept,
    kept_of,
    name_of,
)
from answerby.engine.history.transition import Take, Turn
from answerby.engine.stages.stage_results import Context, Kept
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.ladders import plan_timers


class Rewritten(NamedTuple):
    """What a late event comes to, as of `moment`."""

    turn: Turn
    after: RequestState
    effects: list[Effect]
    flags: list[Flag]
    moment: datetime


class Terms(NamedTuple):
    """What a fold is made with."""

    kept: Kept
    fired: frozenset[str]
    moment: datetime


class Told(NamedTuple):
    """A fold: its last turn, and the turn of the late event, which a correction does not have."""

    last: Turn
    heard: Turn | None
    moment: datetime


def rewrite(
    take: Take,
    compiled: CompiledRulebook,
    state: RequestState | None,
    event: Event,
    context: Context,
    moment: datetime,
) -> Rewritten | None:
    """None when the history is not known, incomplete or too long, or nothing of it is left."""
    history = context.history
    if state is None or history is None or len(history) != state.decisions or len(history) >= MOST_EVENTS:
        return None
    course = course_of(history, event)
    if not course.events:
        return None
    ladders = ladder_steps.ladders_in_force(compiled.rulebook, state, event)
    terms = Terms(kept_of(compiled.rulebook, state, ladders), fired_before(history, state), moment)
    told = _fold(take, compiled, course, event, context, state, terms)
    reached = facts_changed(compiled.target_fields, state, told.last.after, told.last.after.derived)
    runs = same_runs(state, told.last.after)
    anew = terms._replace(kept=Kept({}, ladders)) if reached and terms.kept.targets else terms
    anew = anew._replace(fired=_renamed(terms.fired, state, runs))
    if anew != terms:
        # The facts of the targets are others now, so the active rules give them; or a run has another number.
        told = _fold(take, compiled, course, event, context, state, anew)
        runs = same_runs(state, told.last.after)
    after = _after(compiled.rulebook, state, told, course, keep=not reached)
    timers = _timers(compiled.rulebook, ladders, state, runs, after, event, told.moment)
    after = replace(after, timers=timers.after, ladders=ladder_steps.climbed(ladders, after.clocks))
    scene = Scene(compiled, state, runs, told.last.after.timers, after, event, told.moment)
    effects, alerts = late_effects(scene, told.last.draft, told.heard.draft if told.heard is not None else None)
    turn = told.last._replace(timers=timers, follow_ups=_follow_ups(told, state, event))
    flags = [*(told.heard.flags if told.heard is not None else ()), *turn.draft.flags, *turn.clock_flags]
    flags += [*course.flags, *what_moved(state, after, event, len(course.events))]
    if is_correction(event) and course.awaited:
        flags.append(_awaits(course.awaited))
    return Rewritten(turn, replace(after, alerts=alerts), effects, list(dict.fromkeys(flags)), told.moment)


def not_folded(state: RequestState | None, event: Event, context: Context) -> list[Flag]:
    """Why a late event was decided as it came."""
    if state is None:
        return [_awaits([name_of(event)])] if is_correction(event) else []
    if state.decisions >= MOST_EVENTS:
        problem = f"the request has {state.decisions} events, and at most {MOST_EVENTS} are folded"
    elif context.history is None and not is_correction(event):
        return []
    elif context.history is None:
        problem = "its history is not at hand"
    elif len(context.history) != state.decisions:
        problem = f"{len(context.history)} of its {state.decisions} events are at hand"
    else:
        problem = "nothing of its history is left"
    code = "CORRECTION_NOT_APPLIED" if is_correction(event) else "NOT_FOLDED"
    return [Flag(code, f"the request's clocks were not computed anew: {problem}")]


def _fold(
    take: Take,
    compiled: CompiledRulebook,
    course: Course,
    event: Event,
    context: Context,
    state: RequestState,
    terms: Terms,
) -> Told:
    inner = context._replace(windows={**context.windows, **state.counts}, history=None, kept=terms.kept)
    moment = max(terms.moment, course.events[-1].time) if event.historical else terms.moment
    last, heard = None, None
    for name, turn in fold(take, compiled, course.events, terms.fired, inner, moment):
        last = turn
        if name == name_of(event):
            heard = turn
    assert last is not None
    return Told(last, heard, moment)


def _after(rulebook: Rulebook, state: RequestState, told: Told, course: Course, *, keep: bool) -> RequestState:
    """The request as the fold leaves it, with what no fold can change."""
    folded = told.last.after
    clocks = dict(folded.clocks)
    for name, clock in state.clocks.items():
        # The active rules say nothing of it any more; an edit does not reach it.
        if keep and name not in clocks and clock.revision != rulebook.revision and is_kept(rulebook, clock):
            clocks[name] = clock
    clocks = dict(sorted(clocks.items()))
    mark_breaches(clocks, told.moment)
    return replace(
        folded,
        version=state.version + 1,
        decisions=state.decisions + 1,
        number=state.number,
        source=folded.source if state.source.startswith(INTERNAL_SOURCE) else state.source,
        counts=state.counts,
        clocks=clocks,
        awaited=course.awaited,
    )


def same_runs(state: RequestState, after: RequestState) -> dict[str, ClockState]:
    """The clocks before, each run under the cycle that it has now: a late event may have begun one before it."""
    return {name: _renumbered(clock, after.clocks.get(name)) for name, clock in state.clocks.items()}


def _renumbered(clock: ClockState, now: ClockState | None) -> ClockState:
    if now is None or now.cycle == clock.cycle or now.started != clock.started:
        return clock
    return replace(clock, cycle=now.cycle)


def _renamed(fired: frozenset[str], state: RequestState, runs: Mapping[str, ClockState]) -> frozenset[str]:
    """With the names that the timers of this run have now."""
    timers = [timer for timer in state.timers.values() if timer.fired]
    return fired | {under_cycle(timer, state.clocks.get(timer.clock), runs.get(timer.clock)).id for timer in timers}


def _timers(
    rulebook: Rulebook,
    ladders: Mapping[str, Ladder],
    state: RequestState,
    runs: Mapping[str, ClockState],
    after: RequestState,
    event: Event,
    moment: datetime,
) -> TimerPlan:
    """Steps that fired stay so, if the history as it is now has them fire; else they are to come, or never."""
    if event.historical:
        return TimerPlan([], [], dict(state.timers))
    folded = {name: timer for name, timer in after.timers.items() if timer.fired}
    before = {timer.id: timer for timer in state.timers.values() if not timer.fired}
    for timer in state.timers.values():
        known = under_cycle(timer, state.clocks.get(timer.clock), runs.get(timer.clock))
        if timer.fired and known.id in folded:
            folded[known.id] = known
    before |= folded
    arm, cancel, timers = plan_timers(
        ladders, rulebook.calendars, before, after.clocks, moment, acknowledged=after.acknowledged
    )
    return TimerPlan(arm, cancel, timers)


def _follow_ups(told: Told, state: RequestState, event: Event) -> list[Event]:
    """What other requests must hear of the late event; named after the decision that it has."""
    if told.heard is None:
        return []
    name = f"{state.request_id}/{state.decisions + 1}"
    return [replace(each, id=name, historical=event.historical) for each in told.heard.follow_ups]


def _awaits(names: Sequence[str]) -> Flag:
    return Flag("CORRECTION_WAITS", f"not known yet: {', '.join(names)}; the correction counts from when it comes")


def awaiting(after: RequestState, event: Event) -> RequestState:
    """A first event that corrects another says which one is still to come."""
    if not is_correction(event) or after.decisions > 1:
        return after
    return replace(after, awaited=[corrected(event)])
