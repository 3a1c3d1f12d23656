"""Folds a request's history: decides its events again in the order of their times, corrections applied.

A fold is one transition of decide() after the other. Ladder steps are acts, not facts. A fold therefore takes exactly
the steps that really fired, each at the time at which the ordered history has it due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockState, Timer, TimerPurpose
from answerby.domain.decision import Flag
from answerby.domain.event import Event, EventType
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.domain.timer_event import TIMER_CLOCK, TIMER_CYCLE, timer_event, timer_id
from answerby.engine.case import Case, Context, EarlierRules
from answerby.engine.clocks.reach import keeps
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.history import merging, unanswered
from answerby.engine.history.lifecycle import INTERNAL, NEVER_LATE, name_of
from answerby.engine.history.steps import Steps
from answerby.engine.history.transition import Transition, transition
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.clock_inputs import ClockTarget
from answerby.sla.clocks import LIVE, definition_of

MOST_EVENTS = 500
"""Most events of a request that a fold decides. With more, a late event is decided as it comes."""
CORRECTS = "corrects.event"
"""Fact of a correction: the id of the event that it corrects. Its time and facts replace those of that event."""
CORRECTS_SOURCE = "corrects.source"
"""Fact of a correction: the source of the corrected event. Default: the source of the correction."""
WITHDRAWN = "corrects.withdrawn"
"""Fact of a correction. True: the corrected event never happened."""
_PREFIX = "corrects."
_INSTANT = timedelta(microseconds=1)
NEVER_CORRECTED = NEVER_LATE | {EventType.MERGED}
"""Types that cannot be corrected: other requests have already been told of them."""


class OrderedHistory(NamedTuple):
    """The events of a request, ready to fold: in the order of their times, corrections applied."""

    events: list[Event]
    awaited: list[str]
    """Names of events that have a correction but have not come yet, as `source id`."""
    flags: list[Flag]


def needs_fold(state: RequestState | None, event: Event) -> bool:
    """Whether the event needs a fold: it corrects another, lies before a decided one, or has a correction waiting."""
    if event.type == EventType.ABSORBED:
        return state is not None and _notice_changes_past(state, event)
    if event.type in NEVER_LATE:
        return False
    if is_correction(event):
        return True
    return state is not None and (
        event.time < state.last_event or (bool(state.awaited) and name_of(event) in state.awaited)
    )


def _notice_changes_past(state: RequestState, event: Event) -> bool:
    """Whether the notice of a merge brings messages that staff may have answered since, or replaces an earlier one."""
    if state.merged is not None:
        return False
    if event.data.get(merging.ABSORBED) in state.absorbed:
        return True
    return unanswered.WAITING in event.data and event.time < state.last_event


def is_correction(event: Event) -> bool:
    return CORRECTS in event.data


def ordered_history(history: Sequence[Event], event: Event) -> OrderedHistory:
    """Orders the history and the event. At the same instant, the event that came first is first."""
    by_name = {name_of(each): each for each in [*history, event]}
    corrections: dict[str, Event] = {}
    roots: dict[str, str] = {}
    for each in filter(is_correction, by_name.values()):
        root = corrected_name(each)
        # A correction of a correction corrects the original event.
        root = roots[name_of(each)] = roots.get(root, root)
        corrections[root] = _combined(corrections[root], each) if root in corrections else each
    refused = sorted(n for n in corrections if n in by_name and by_name[n].type in NEVER_CORRECTED)
    events = []
    for name, each in by_name.items():
        correction = corrections.get(name) if name not in refused else None
        if each.type in INTERNAL or is_correction(each) or (correction and correction.data.get(WITHDRAWN) is True):
            continue
        events.append(each if correction is None else _apply_correction(each, correction))
    awaited = sorted(corrections.keys() - by_name.keys())
    events = _last_notices(events)
    return OrderedHistory(sorted(events, key=lambda each: each.time), awaited, [_refusal(name) for name in refused])


def _last_notices(events: Sequence[Event]) -> list[Event]:
    """The events; of several notices of one merge only the last. The merged request sends another when it changed."""
    last = {_merge_of(each): each for each in events if each.type == EventType.ABSORBED}
    return [each for each in events if each.type != EventType.ABSORBED or last[_merge_of(each)] is each]


def _merge_of(notice: Event) -> tuple[object, object]:
    return notice.data.get(merging.ABSORBED), notice.data.get(merging.LATEST_AT)


class FoldInputs(NamedTuple):
    """Inputs of a fold, besides rules and events."""

    fired: Mapping[str, int]
    """How often each timer really fired, by its id."""
    context: Context
    moment: datetime


def fold(
    compiled: CompiledRulebook, events: Sequence[Event], terms: FoldInputs, steps: Steps
) -> Iterator[tuple[str, Transition]]:
    """The transitions of the events, and of the timers between and after them, each with its event's name.

    The name of a timer's transition is empty.
    """
    state: RequestState | None = None
    left = dict(terms.fired)
    for event in events:
        # A timer due at the very time of an event fires after the event.
        for change in _fire(compiled, state, terms, left, event.time - _INSTANT, steps):
            state = change.after
            yield "", change
        # A historical event arms no timer for real. The fold needs its timers all the same.
        case = Case(compiled, state, replace(event, historical=False), terms.context, event.time)
        change = transition(case, steps)
        state = change.after
        yield name_of(event), change
    for change in _fire(compiled, state, terms, left, terms.moment, steps):
        yield "", change


def earlier_rules_of(rulebook: Rulebook, state: RequestState, ladders: Mapping[str, Ladder]) -> EarlierRules:
    """Targets that survive a rule change: of running clocks with `on_rule_change: keep`, and of ended clocks."""
    targets = {
        clock.name: ClockTarget(clock.target, clock.rule, clock.ladder, clock.revision)
        for clock in state.clocks.values()
        if clock.revision not in ("", rulebook.revision) and keeps_target(rulebook, clock)
    }
    return EarlierRules(targets, ladders)


def keeps_target(rulebook: Rulebook, clock: ClockState) -> bool:
    return clock.phase not in LIVE or keeps(definition_of(rulebook.clocks, clock.name))


def fired_before(history: Sequence[Event], state: RequestState) -> dict[str, int]:
    """How often each timer really fired, by id.

    The state has those of the current cycles. The history has those of earlier cycles.
    """
    fired = {timer.id: len(timer.firings) for timer in state.timers.values() if timer.firings}
    for event in history:
        if event.type != EventType.TIMER_DUE:
            continue
        clock = state.clocks.get(str(event.data.get(TIMER_CLOCK, "")))
        if clock is None or clock.cycle != event.data.get(TIMER_CYCLE):
            fired[timer_id(event)] = fired.get(timer_id(event), 0) + 1
    return fired


def _fire(
    compiled: CompiledRulebook,
    state: RequestState | None,
    terms: FoldInputs,
    left: dict[str, int],
    until: datetime,
    steps: Steps,
) -> Iterator[Transition]:
    """Fires the timers that really fired and are due by `until`, in order. Counts them off in `left`.

    A timer armed for the past fires at the request's last event, so that time never runs backwards.
    """
    while state is not None and left:
        timer = _next(state, left, until)
        if timer is None:
            return
        left[timer.id] -= 1
        moment = max(timer.due, state.last_event)
        change = transition(
            Case(compiled, state, timer_event(state.tenant, state.request_id, timer), terms.context, moment), steps
        )
        state = change.after
        yield change


def _next(state: RequestState, left: Mapping[str, int], until: datetime) -> Timer | None:
    # A fold needs no event to make a clock late: each event, and the end of the fold, find it late.
    due = [
        t
        for t in state.timers.values()
        if not t.fired and left.get(t.id, 0) > 0 and t.due <= until and t.purpose is not TimerPurpose.DUE
    ]
    return min(due, key=lambda timer: (timer.due, timer.id), default=None)


def corrected_name(correction: Event) -> str:
    """The name of the event that the correction corrects."""
    return f"{correction.data.get(CORRECTS_SOURCE) or correction.source} {correction.data[CORRECTS]}"


def _apply_correction(event: Event, correction: Event) -> Event:
    return replace(event, time=correction.time, data={**event.data, **_facts(correction)})


def _combined(earlier: Event, later: Event) -> Event:
    """Two corrections of one event as one: the time of the later, the facts of both."""
    data = {**_facts(earlier), **_facts(later)}
    if later.data.get(WITHDRAWN) is True:
        data[WITHDRAWN] = True
    return replace(later, data=data)


def _facts(correction: Event) -> dict[str, object]:
    return {name: value for name, value in correction.data.items() if not name.startswith(_PREFIX)}


def _refusal(name: str) -> Flag:
    return Flag("CORRECTION_REFUSED", f"event {name}: other requests were told of it; it cannot be corrected")
