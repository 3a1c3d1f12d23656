"""The history of a request decided again in the order of its times, with what came late and what was corrected.

Built on the turns of decide(): a fold is one turn after the other. Ladder steps are acts, not facts: a fold takes those
that were really taken, at the times at which the history as it is now would have had them, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockState, Timer
from answerby.domain.decision import Flag
from answerby.domain.event import Event, EventType
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.clocks.reach import keeps
from answerby.engine.clocks.virtual_clock import timer_event
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.history.lifecycle import INTERNAL
from answerby.engine.history.transition import Take, Turn
from answerby.engine.stages.stage_results import Context, Kept
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.clocks import LIVE, PER, definition_of
from answerby.sla.scene import ClockTarget

MOST_EVENTS = 500
"""Events of a request that are folded; with more, a late event is decided as it comes."""
CORRECTS = "corrects.event"
"""Fact of an event that corrects an earlier one: its id. Time and facts of the correction replace those it had."""
CORRECTS_SOURCE = "corrects.source"
"""The source of the corrected event; without it, that of the correction."""
WITHDRAWN = "corrects.withdrawn"
"""True: the corrected event never happened."""
_PREFIX = "corrects."
_INSTANT = timedelta(microseconds=1)
_OURS = INTERNAL
_WORD_OF_OTHERS = frozenset({EventType.ABSORBED, EventType.MERGE_REFUSED})
NEVER_LATE = _OURS | _WORD_OF_OTHERS
"""Their times say when we looked or heard, not when something happened to the request."""
NEVER_CORRECTED = NEVER_LATE | {EventType.MERGED}
"""What another request was told cannot be taken back here."""


class Course(NamedTuple):
    """The events of a request as they are to be folded: in the order of their times, corrections taken in."""

    events: list[Event]
    awaited: list[str]
    """Events that are corrected and have not come, as `source id`."""
    flags: list[Flag]


def refold_wanted(state: RequestState | None, event: Event) -> bool:
    """Whether the event lies before one that was decided, or corrects one, so that its request is to be folded."""
    if event.type in NEVER_LATE:
        return False
    if is_correction(event):
        return True
    return state is not None and (
        event.time < state.last_event or (bool(state.awaited) and name_of(event) in state.awaited)
    )


def is_correction(event: Event) -> bool:
    return CORRECTS in event.data


def name_of(event: Event) -> str:
    """What identifies an event within its tenant."""
    return f"{event.source} {event.id}"


def course_of(history: Sequence[Event], event: Event) -> Course:
    """The history and the event. Of events at the same instant the one that came first is first."""
    came = {name_of(known): known for known in [*history, event]}
    corrections: dict[str, Event] = {}
    roots: dict[str, str] = {}
    for known in filter(is_correction, came.values()):
        root = corrected(known)
        # Who corrects a correction corrects what that one corrects.
        root = roots[name_of(known)] = roots.get(root, root)
        corrections[root] = _upon(corrections[root], known) if root in corrections else known
    refused = {name for name in corrections if name in came and came[name].type in NEVER_CORRECTED}
    events = []
    for name, known in came.items():
        correction = corrections.get(name) if name not in refused else None
        if known.type in _OURS or is_correction(known) or (correction and correction.data.get(WITHDRAWN) is True):
            continue
        events.append(known if correction is None else _corrected(known, correction))
    awaited = sorted(corrections.keys() - came.keys())
    return Course(sorted(events, key=lambda known: known.time), awaited, [_refusal(name) for name in sorted(refused)])


def fold(
    take: Take,
    compiled: CompiledRulebook,
    events: Sequence[Event],
    fired: frozenset[str],
    context: Context,
    moment: datetime,
) -> Iterator[tuple[str, Turn]]:
    """The turns of the events and of the timers between and after them, with the names of the events."""
    state: RequestState | None = None
    for event in events:
        for turn in _fire(take, compiled, state, fired, context, event.time - _INSTANT):
            state = turn.after
            yield "", turn
        turn = take(compiled, state, replace(event, historical=False), context, event.time)
        state = turn.after
        yield name_of(event), turn
    for turn in _fire(take, compiled, state, fired, context, moment):
        yield "", turn


def kept_of(rulebook: Rulebook, state: RequestState, ladders: Mapping[str, Ladder]) -> Kept:
    """What an edit of the rules does not reach: targets of running clocks where the file says so, and of ended ones."""
    kept = {
        clock.name: ClockTarget(clock.target, clock.rule, clock.ladder, clock.revision)
        for clock in state.clocks.values()
        if clock.revision not in ("", rulebook.revision) and is_kept(rulebook, clock)
    }
    return Kept(kept, ladders)


def is_kept(rulebook: Rulebook, clock: ClockState) -> bool:
    return clock.phase not in LIVE or keeps(definition_of(rulebook.clocks, clock.name))


def kept_goals(kept: Kept, goals: Mapping[str, ClockTarget]) -> Mapping[str, ClockTarget]:
    """The targets of a turn, those kept in the place of what the active rules give."""
    standing = {name: goal for name, goal in kept.targets.items() if name.partition(PER)[0] in goals or name in goals}
    return {**goals, **standing} if standing else goals


def fired_before(history: Sequence[Event], state: RequestState) -> frozenset[str]:
    """The ids of the timers that have really fired: of what runs now as the state has it, of earlier cycles all."""
    fired = {timer.id for timer in state.timers.values() if timer.fired}
    for event in history:
        if event.type != EventType.TIMER_DUE:
            continue
        clock = state.clocks.get(str(event.data.get("timer.clock", "")))
        if clock is None or clock.cycle != event.data.get("timer.cycle"):
            fired.add(str(event.data.get("timer.id", "")))
    return frozenset(fired)


def _fire(
    take: Take,
    compiled: CompiledRulebook,
    state: RequestState | None,
    fired: frozenset[str],
    context: Context,
    until: datetime,
) -> Iterator[Turn]:
    """Fires the timers that really fired and are due by then. One armed for a moment that had passed fires at once,
    not in the past.
    """
    while state is not None and fired:
        timer = _next(state, fired, until)
        if timer is None:
            return
        turn = take(compiled, state, timer_event(state, timer), context, max(timer.due, state.last_event))
        state = turn.after
        yield turn


def _next(state: RequestState, fired: frozenset[str], until: datetime) -> Timer | None:
    due = [t for t in state.timers.values() if not t.fired and t.id in fired and t.due <= until]
    return min(due, key=lambda timer: (timer.due, timer.id), default=None)


def corrected(correction: Event) -> str:
    """The name of the event that is corrected."""
    return f"{correction.data.get(CORRECTS_SOURCE) or correction.source} {correction.data[CORRECTS]}"


def _corrected(event: Event, correction: Event) -> Event:
    return replace(event, time=correction.time, data={**event.data, **_facts(correction)})


def _upon(earlier: Event, later: Event) -> Event:
    """Two corrections of one event as one: the later time, and the facts of both."""
    data = {**_facts(earlier), **_facts(later)}
    if later.data.get(WITHDRAWN) is True:
        data[WITHDRAWN] = True
    return replace(later, data=data)


def _facts(correction: Event) -> dict[str, object]:
    return {name: value for name, value in correction.data.items() if not name.startswith(_PREFIX)}


def _refusal(name: str) -> Flag:
    return Flag("CORRECTION_REFUSED", f"event {name}: other requests were told of it; it cannot be corrected")
