"""Advances clocks: the state of each clock of a request after one event. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Target, clock_name, counted_from, definition_id
from answerby.domain.clock_definition import AfterCompletion, RaiseRetargets
from answerby.domain.errors import FieldViolation, InvalidInput, TargetOutOfReach
from answerby.domain.event import EventType
from answerby.domain.request import RequestStatus
from answerby.sla import occasions
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.clock_inputs import ClockInputs, ClockTarget, MessageStart, OutOfReach, SafeSides
from answerby.sla.occasions import ClockEvent
from answerby.sla.targets import Pauses, due_time, used_micros
from answerby.sla.unchanged import UnchangedClocks, unchanged_clock
from answerby.sla.year_table import SECOND

if TYPE_CHECKING:
    from answerby.domain.clock_definition import ClockDefinition

FINAL_EVENTS = frozenset({EventType.CLOSED, EventType.MERGED})
FINAL_STATUSES = frozenset({RequestStatus.CLOSED, RequestStatus.MERGED})
ENDED_STATUSES = FINAL_STATUSES | {RequestStatus.COMPLETED}
LIVE = frozenset({ClockPhase.RUNNING, ClockPhase.PAUSED})
# Looked up once: see answerby.sla.unchanged.
_COMPLETED: Final = RequestStatus.COMPLETED
_CANCEL: Final = AfterCompletion.CANCEL


class ClockHistory(NamedTuple):
    """The part of a clock's state before the event that its state after the event builds on."""

    started: datetime
    cycle: int
    pauses: Pauses = ()
    paused_since: datetime | None = None
    held: bool = False
    longest_used: float = 0.0
    longest_late: float = 0.0
    round: int = 0
    round_started: datetime | None = None
    round_from: int = 0
    round_due: datetime | None = None
    counts_from: datetime | None = None
    set_aside: Target | None = None


def advance_clocks(
    definitions: Mapping[str, ClockDefinition],
    calendars: Mapping[str, Calendar],
    clocks: Mapping[str, ClockState],
    targets: Mapping[str, ClockTarget],
    event: ClockEvent,
    manual: Mapping[str, datetime] = MappingProxyType({}),
    unchanged: UnchangedClocks | None = None,
    messages: Mapping[str, MessageStart] = MappingProxyType({}),
    safe_sides: SafeSides | None = None,
) -> dict[str, ClockState]:
    """All clocks of a request after an event, in the order of their names.

    `manual` are due times that a person set, by clock. `unchanged` saves time and changes no result; it may be given
    only when `clocks` are as this function returned them last. `messages` are unanswered messages of a merged request,
    by clock: the clock runs from the oldest. Where a calendar cannot hold a target, the safe side's target counts, in
    its own calendar or else around the clock; `safe_sides` is told of each.

    Order of evaluation for each clock: stop, reset, cancel, re-target, pause, resume (ServiceNow's order). A finished
    clock changes by a restart only, which counts its cycle up, or by the request's reopening. A clock without a
    definition is cancelled. A clock that lost its target and gets one again goes on from its first start.

    Raises CalendarYearMissing, TimeOutOfRange, and InvalidInput for a target with an unknown calendar.
    """
    after: dict[str, ClockState] = {}
    instances, values = _instances(definitions, targets, event)
    for name in sorted({*clocks, *instances, *messages}):
        clock, target = clocks.get(name), instances.get(name)
        definition = definitions.get(name) or definition_of(definitions, name)
        if definition is None:
            advanced = _cancel(clock, event.time) if clock and clock.phase in LIVE else clock
        elif clock is None and target is None:
            continue
        else:
            value_gone = bool(definition.per) and name not in values
            clock_event = _to_the_minute(event) if definition.granularity == "minute" else event
            message = messages.get(name)
            inputs = ClockInputs(
                definition, calendars, target, clock_event, manual.get(name), value_gone, message, safe_sides
            )
            advanced = _advance(clock, inputs, unchanged) if clock is not None else _first_start(name, inputs)
        if advanced is not None:
            after[name] = advanced
    return after


def definition_of(definitions: Mapping[str, ClockDefinition], name: str) -> ClockDefinition | None:
    """The definition of a clock by the clock's name: `id`, or `id@value` for a definition with `per`."""
    found = definitions.get(name)
    return found if found is not None else definitions.get(definition_id(name))


def calendar_of(calendars: Mapping[str, Calendar], target: Target) -> Calendar:
    """The calendar of a target; `always` and an empty name are wall time. Raises InvalidInput for an unknown one."""
    if target.calendar in calendars:
        return calendars[target.calendar]
    if target.calendar in ("", ALWAYS.id):
        return ALWAYS
    raise InvalidInput([FieldViolation("calendar", f"{target.calendar!r} is not in the rulebook; add its file")])


def used_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> float:
    """Seconds of working time that the clock has run, until `now` or until its pause or end."""
    until = clock.stopped or clock.paused_since or now
    return used_micros(calendar_of(calendars, clock.target), clock.started, until, clock.pauses) / SECOND


def late_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> float:
    """Seconds of working time by which the clock is late, pauses left out; 0 without a due time or before it."""
    until = clock.stopped or clock.paused_since or now
    if clock.due is None:
        return 0.0
    return used_micros(calendar_of(calendars, clock.target), clock.due, until, clock.pauses) / SECOND


def longest_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> tuple[float, float]:
    """Seconds of working time used and late, each of the worst cycle of a clock that repeats."""
    used = max(clock.longest_used, used_seconds(calendars, clock, now))
    return used, max(clock.longest_late, late_seconds(calendars, clock, now))


def _instances(
    definitions: Mapping[str, ClockDefinition], targets: Mapping[str, ClockTarget], event: ClockEvent
) -> tuple[Mapping[str, ClockTarget], frozenset[str]]:
    """The targets by clock name, and the names of all clocks that `per` definitions give for the facts.

    A definition with `per` has one clock for each value of its field.
    """
    several = [name for name, definition in definitions.items() if definition.per]
    if not several:
        return targets, frozenset()
    single = {name: target for name, target in targets.items() if name not in several}
    names = {name: list(_names(name, definitions[name].per, event)) for name in several}
    each = {instance: targets[name] for name in several if name in targets for instance in names[name]}
    # A target under the full name of a clock comes from an earlier revision and wins.
    return {**each, **single}, frozenset(instance for found in names.values() for instance in found)


def _names(name: str, field: str, event: ClockEvent) -> Iterator[str]:
    values = event.facts.values(field) if event.facts is not None else ()
    return (clock_name(name, value) for value in values)


def _to_the_minute(event: ClockEvent) -> ClockEvent:
    ended = event.ended.replace(second=0, microsecond=0) if event.ended is not None else None
    return event._replace(time=event.time.replace(second=0, microsecond=0), ended=ended)


def _first_start(name: str, inputs: ClockInputs) -> ClockState | None:
    if inputs.target is None or inputs.value_gone or inputs.event.status in FINAL_STATUSES:
        return None
    if not inputs.definition.start and _is_over(inputs) and not inputs.stops:
        return None
    if inputs.message is not None and _awaits_answer(inputs):
        return _run(name, ClockHistory(inputs.message.started, 1, inputs.message.pauses), inputs, inputs.target)
    if not occasions.starts(inputs.definition, inputs.event):
        return None
    clock = _run(name, ClockHistory(inputs.event.time, 1), inputs, inputs.target)
    # The first known event of a request may already meet the clock. The clock must not run after it.
    return clock if inputs.definition.start or not inputs.stops else _stop(clock, inputs)


def _advance(clock: ClockState, inputs: ClockInputs, unchanged: UnchangedClocks | None) -> ClockState:
    if inputs.message is not None and inputs.target is not None and _awaits_answer(inputs):
        return _with_message(clock, inputs, inputs.target, inputs.message)
    if unchanged is not None:
        same = unchanged_clock(unchanged, clock, inputs)
        if same is not None:
            return same
    return _advance_live(clock, inputs) if clock.phase in LIVE else _advance_finished(clock, inputs)


def _awaits_answer(inputs: ClockInputs) -> bool:
    """Whether the message of a merged request, if there is one, runs on here."""
    ends = inputs.stops or occasions.cancels(inputs.definition, inputs.event)
    return inputs.event.status not in ENDED_STATUSES and not ends


def _with_message(clock: ClockState, inputs: ClockInputs, target: ClockTarget, message: MessageStart) -> ClockState:
    """The clock from the oldest unanswered message: its own, or that of the merged request.

    Until the merge, the pauses of the request that got the message count; from then on, those of this one.
    """
    now = inputs.event.time
    if clock.phase not in LIVE:
        return _next_cycle(clock, inputs, target, message)
    history = _history(clock)
    if message.started < clock.started:
        own = [(max(since, now), end) for since, end in clock.pauses if end > now]
        since = clock.paused_since and max(clock.paused_since, now)
        history = history._replace(
            started=message.started, pauses=[*message.pauses, *own], paused_since=since, counts_from=None
        )
    return _run(clock.name, history, inputs, target)


def _is_over(inputs: ClockInputs) -> bool:
    """Whether the request is completed, and with it what the clock measures."""
    return inputs.event.status is _COMPLETED and inputs.definition.after_completion is _CANCEL


def _advance_live(clock: ClockState, inputs: ClockInputs) -> ClockState:
    if inputs.stops:
        return _advance_finished(_stop(clock, inputs), inputs)
    if occasions.resets(inputs.definition, inputs.event):
        ended = _stop(clock, inputs)
        may_start = inputs.target is not None and occasions.starts(inputs.definition, inputs.event)
        return _next_cycle(ended, inputs, inputs.target) if inputs.target and may_start else ended
    definition, event = inputs.definition, inputs.event
    over = occasions.cancels(definition, event) or occasions.start_has_ended(definition, event)
    if occasions.completes(event) and _is_over(inputs) and not occasions.starts_again(definition, event):
        over = True
    if inputs.target is None or over or event.type in FINAL_EVENTS:
        return _cancel(clock, inputs.event.time)
    return _retarget(clock, inputs, inputs.target)


def _retarget(clock: ClockState, inputs: ClockInputs, target: ClockTarget) -> ClockState:
    """The clock under the target that the rules give now."""
    definition, event = inputs.definition, inputs.event
    history, wanted = _history(clock), _complete(target.target, definition)
    if not _has_new_target(clock, inputs, wanted):
        return _run(clock.name, history, inputs, target)
    own = ClockTarget(clock.target, clock.rule, target.ladder, target.revision)
    if wanted == clock.set_aside:
        return _run(clock.name, history, inputs, own)
    if event.raised is not None and definition.raise_retargets is not RaiseRetargets.AS_RETARGET_FROM:
        if definition.raise_retargets is RaiseRetargets.KEEP or not _due_earlier(clock, inputs, wanted, event.raised):
            return _run(clock.name, history._replace(set_aside=wanted), inputs, own)
        if definition.retarget_from != "now":
            return _run(clock.name, history._replace(counts_from=event.raised, set_aside=None), inputs, target)
    if definition.retarget_from == "now":
        return _next_cycle(clock, inputs, target)
    return _run(clock.name, history._replace(counts_from=None, set_aside=None), inputs, target)


def _due_earlier(clock: ClockState, inputs: ClockInputs, wanted: Target, raised: datetime) -> bool:
    """Whether the target, counted from the raise, is due before the clock is. Nothing is, of a clock that is late."""
    due = _due(_end_pause(clock, inputs), inputs)
    if clock.phase is ClockPhase.RUNNING and raised >= due:
        return False
    return _in_reach(clock.name, inputs, wanted, raised, ())[1] < due


def _advance_finished(clock: ClockState, inputs: ClockInputs) -> ClockState:
    definition, event = inputs.definition, inputs.event
    if inputs.target is None or inputs.value_gone or event.status in FINAL_STATUSES:
        return clock
    if occasions.starts_again(definition, event):
        return _next_cycle(clock, inputs, inputs.target)
    reopens = event.type == EventType.REOPENED or (event.reopened and not inputs.stops)
    if reopens and not definition.start:
        return _reopen(clock, inputs, inputs.target)
    if clock.phase is not ClockPhase.CANCELLED or inputs.stops or not occasions.starts(definition, event):
        return clock
    if _is_over(inputs) and (not definition.start or clock.stopped == event.ended):
        return clock
    if definition.start:
        return _next_cycle(clock, inputs, inputs.target)
    again = _history(clock)._replace(cycle=clock.cycle + 1, round=0, round_started=None, round_from=0, round_due=None)
    if event.raised is not None and definition.raise_retargets is not RaiseRetargets.AS_RETARGET_FROM:
        again = again._replace(counts_from=event.raised)
    return _run(clock.name, again, inputs, inputs.target)


def _reopen(clock: ClockState, inputs: ClockInputs, target: ClockTarget) -> ClockState:
    reopen = inputs.definition.reopen
    if reopen == "new_cycle":
        return _next_cycle(clock, inputs, target)
    if reopen == "frozen" and clock.phase is ClockPhase.STOPPED:
        return clock
    history = _history(clock)
    if clock.stopped is not None:
        history = history._replace(pauses=_close_pause(clock.pauses, clock.stopped, inputs.event.time))
    return _run(clock.name, history, inputs, target)


def _next_cycle(
    clock: ClockState, inputs: ClockInputs, target: ClockTarget, message: MessageStart | None = None
) -> ClockState:
    started = inputs.event.time if message is None else message.started
    sequential = inputs.definition.recurrence == "sequential" and clock.stopped == started
    if message is None and sequential and clock.due is not None:
        started = clock.due
    used, late = clock.longest_used, clock.longest_late
    if clock.phase is ClockPhase.STOPPED:
        used, late = longest_seconds(inputs.calendars, clock, inputs.event.time)
    pauses = message.pauses if message is not None else ()
    history = ClockHistory(started, clock.cycle + 1, pauses, longest_used=used, longest_late=late)
    return _run(clock.name, history, inputs, target)


def _history(clock: ClockState) -> ClockHistory:
    return ClockHistory(
        clock.started,
        clock.cycle,
        clock.pauses,
        clock.paused_since,
        clock.held,
        clock.longest_used,
        clock.longest_late,
        clock.round,
        clock.round_started,
        clock.round_from,
        clock.round_due,
        clock.counts_from,
        clock.set_aside,
    )


def _complete(target: Target, definition: ClockDefinition) -> Target:
    return target if target.calendar else replace(target, calendar=definition.calendar)


def _has_new_target(clock: ClockState, inputs: ClockInputs, wanted: Target) -> bool:
    # A clock that runs on the safe side has another target than the rules give, and that is no change.
    return wanted != clock.target and _in_reach(clock.name, inputs, wanted, clock.started, ())[0] != clock.target


def _run(name: str, history: ClockHistory, inputs: ClockInputs, target: ClockTarget) -> ClockState:
    """The state of a clock that is not finished, under the target that holds now: running or paused, late or not."""
    definition, now = inputs.definition, inputs.event.time
    complete = _complete(target.target, definition)
    held = bool(definition.pause) and occasions.holds_still(definition, inputs.event, held=history.held)
    pausing = held or inputs.event.status in definition.pause_while
    pauses, paused_since = history.pauses, history.paused_since
    if pausing:
        paused_since = paused_since or max(now, history.started)
    elif paused_since is not None:
        if definition.paused_time == "excluded":
            pauses = _close_pause(pauses, paused_since, now)
        paused_since = None
    due = inputs.manual_due
    if due is None:
        started, counted = counted_from(history.started, history.counts_from, pauses)
        complete, due = _in_reach(name, inputs, complete, started, counted)
    if paused_since is not None:
        over = paused_since > due
    else:
        over = now >= due if inputs.event.type == EventType.TIMER_DUE else now > due
    if history.round_due is not None and not pausing and due > max(history.round_due, now):
        history = history._replace(round=0, round_started=None, round_from=0, round_due=None)
    raised = history.counts_from or history.set_aside
    if history.cycle == 1 and not (pausing or held or pauses or history.round or inputs.manual_due or raised):
        # Most clocks are in their first cycle and have no pause: the defaults of all other fields hold.
        return ClockState(
            name=name,
            phase=ClockPhase.RUNNING,
            target=complete,
            started=history.started,
            due=due,
            breached=over,
            rule=target.rule_id,
            ladder=target.ladder or definition.ladder,
            revision=target.revision,
            longest_used=history.longest_used,
            longest_late=history.longest_late,
        )
    return ClockState(
        name=name,
        phase=ClockPhase.PAUSED if pausing else ClockPhase.RUNNING,
        target=complete,
        started=history.started,
        due=None if pausing and inputs.manual_due is None else due,
        paused_since=paused_since,
        pauses=list(pauses),
        breached=over,
        cycle=history.cycle,
        rule=target.rule_id,
        ladder=target.ladder or definition.ladder,
        revision=target.revision,
        manual=inputs.manual_due is not None,
        held=held,
        round=history.round,
        round_started=history.round_started,
        round_from=history.round_from,
        round_due=history.round_due,
        counts_from=history.counts_from,
        set_aside=history.set_aside,
        longest_used=history.longest_used,
        longest_late=history.longest_late,
    )


def _stop(clock: ClockState, inputs: ClockInputs) -> ClockState:
    clock = _end_pause(clock, inputs)
    due = inputs.manual_due or _due(clock, inputs)
    stopped = max(inputs.event.time, clock.started)
    return replace(clock, phase=ClockPhase.STOPPED, stopped=stopped, due=due, breached=stopped > due, held=False)


def _cancel(clock: ClockState, at: datetime) -> ClockState:
    pauses = clock.pauses
    if clock.paused_since is not None:
        pauses = _close_pause(pauses, clock.paused_since, at)
    breached = clock.breached
    if clock.phase is ClockPhase.RUNNING and clock.due is not None:
        # The result must not depend on events between the due time and the end.
        breached = at > clock.due
    return replace(
        clock,
        phase=ClockPhase.CANCELLED,
        stopped=max(at, clock.started),
        due=None,
        paused_since=None,
        pauses=pauses,
        held=False,
        breached=breached,
    )


def _end_pause(clock: ClockState, inputs: ClockInputs) -> ClockState:
    """The clock with an open pause closed at the event."""
    if clock.paused_since is None:
        return clock
    pauses = clock.pauses
    if inputs.definition.paused_time == "excluded":
        pauses = _close_pause(pauses, clock.paused_since, inputs.event.time)
    return replace(clock, paused_since=None, pauses=pauses)


def _close_pause(pauses: Pauses, since: datetime, at: datetime) -> list[tuple[datetime, datetime]]:
    """The pauses with one more. A pause that would end before its start (events out of order) is dropped."""
    return [*pauses, (since, at)] if at > since else list(pauses)


def _due(clock: ClockState, inputs: ClockInputs) -> datetime:
    started, pauses = counted_from(clock.started, clock.counts_from, clock.pauses)
    return _in_reach(clock.name, inputs, clock.target, started, pauses)[1]


def _in_reach(
    name: str, inputs: ClockInputs, target: Target, started: datetime, pauses: Pauses
) -> tuple[Target, datetime]:
    """The target and its due time; the safe side, where the calendar has too little working time for the target."""
    boundary = inputs.definition.boundary
    try:
        return target, due_time(target, calendar_of(inputs.calendars, target), started, pauses, boundary)
    except TargetOutOfReach:
        instead, due = _safe_side(name, inputs, target, started, pauses)
    inputs.safe_sides.taken[name] = OutOfReach(target, instead)
    return instead, due


def _safe_side(
    name: str, inputs: ClockInputs, target: Target, started: datetime, pauses: Pauses
) -> tuple[Target, datetime]:
    boundary = inputs.definition.boundary
    named = inputs.safe_sides.targets.get(definition_id(name))
    if named is None:
        instead = replace(target, calendar=ALWAYS.id)
        return instead, due_time(instead, ALWAYS, started, pauses, boundary)
    safe = _complete(named, inputs.definition)
    try:
        return safe, due_time(safe, calendar_of(inputs.calendars, safe), started, pauses, boundary)
    except TargetOutOfReach:
        instead = replace(safe, calendar=ALWAYS.id)
        return instead, due_time(instead, ALWAYS, started, pauses, boundary)
