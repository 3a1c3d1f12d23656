"""The life of a clock: what one event does to each clock of its request. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Target, clock_name, definition_id
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import EventType
from answerby.domain.request import RequestStatus
from answerby.sla import occasions
from answerby.sla.business_time import working_seconds_between
from answerby.sla.calendar import ALWAYS, Calendar
from answerby.sla.occasions import ClockEvent
from answerby.sla.scene import ClockTarget, Scene
from answerby.sla.targets import Pauses, due_time, used_micros
from answerby.sla.unchanged import UnchangedClocks, unchanged_clock
from answerby.sla.year_table import SECOND

if TYPE_CHECKING:
    from answerby.domain.clock_definition import ClockDefinition

FINAL_EVENTS = frozenset({EventType.CLOSED, EventType.MERGED})
FINAL_STATUSES = frozenset({RequestStatus.CLOSED, RequestStatus.MERGED})
LIVE = frozenset({ClockPhase.RUNNING, ClockPhase.PAUSED})


class Past(NamedTuple):
    """Clock state before the event, as far as the next run takes it over."""

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


def advance_clocks(
    definitions: Mapping[str, ClockDefinition],
    calendars: Mapping[str, Calendar],
    clocks: Mapping[str, ClockState],
    targets: Mapping[str, ClockTarget],
    event: ClockEvent,
    manual: Mapping[str, datetime] = MappingProxyType({}),
    unchanged: UnchangedClocks | None = None,
) -> dict[str, ClockState]:
    """All clocks of a request after an event, in the order of their names. `manual` are due times set by hand.

    `unchanged` saves time and changes nothing: give it when the clocks are as this function returned them last.

    Order of evaluation for each clock: stop, reset, cancel, re-target, pause, resume. A finished clock never changes
    except by a restart, which counts its cycle up, or by the request's reopening. A clock whose definition is gone is
    cancelled. A clock that lost its target and gets one again goes on from its first start.
    Raises CalendarYearMissing, TimeOutOfRange, and InvalidInput for a target with an unknown calendar.
    """
    after: dict[str, ClockState] = {}
    instances, values = _instances(definitions, targets, event)
    for name in sorted({*clocks, *instances}):
        clock, target = clocks.get(name), instances.get(name)
        definition = definitions.get(name) or definition_of(definitions, name)
        if definition is None:
            advanced = _cancel(clock, event.time) if clock and clock.phase in LIVE else clock
        elif clock is None and target is None:
            continue
        else:
            if unchanged is not None and clock is not None:
                same = unchanged_clock(unchanged, definition, calendars, clock, target, event, manual.get(name))
                if same is not None:
                    after[name] = same
                    continue
            left = bool(definition.per) and name not in values
            seen = _to_the_minute(event) if definition.granularity == "minute" else event
            scene = Scene(definition, calendars, target, seen, manual.get(name), left)
            if clock is None:
                advanced = _first_start(name, scene)
            else:
                advanced = _advance_live(clock, scene) if clock.phase in LIVE else _advance_finished(clock, scene)
        if advanced is not None:
            after[name] = advanced
    return after


def definition_of(definitions: Mapping[str, ClockDefinition], name: str) -> ClockDefinition | None:
    """The definition of a clock by its name, which for one of several is `id@value`."""
    found = definitions.get(name)
    return found if found is not None else definitions.get(definition_id(name))


def calendar_of(calendars: Mapping[str, Calendar], target: Target) -> Calendar:
    """The calendar that a target counts by; `always` and none at all are wall time. Raises InvalidInput."""
    if target.calendar in calendars:
        return calendars[target.calendar]
    if target.calendar in ("", ALWAYS.id):
        return ALWAYS
    raise InvalidInput([FieldViolation("calendar", f"{target.calendar!r} is not in the rulebook; add its file")])


def used_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> float:
    """Working seconds that the clock has run for, up to `now` or to where it paused or ended."""
    until = clock.stopped or clock.paused_since or now
    return used_micros(calendar_of(calendars, clock.target), clock.started, until, clock.pauses) / SECOND


def late_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> float:
    """Working seconds that the clock has run for beyond its due time; 0 while it is not known or not reached."""
    until = clock.stopped or clock.paused_since or now
    if clock.due is None:
        return 0.0
    return working_seconds_between(calendar_of(calendars, clock.target), clock.due, until)


def longest_seconds(calendars: Mapping[str, Calendar], clock: ClockState, now: datetime) -> tuple[float, float]:
    """Working seconds used, and beyond the due time, in the worst of its cycles: that of a clock that repeats."""
    used = max(clock.longest_used, used_seconds(calendars, clock, now))
    return used, max(clock.longest_late, late_seconds(calendars, clock, now))


def _instances(
    definitions: Mapping[str, ClockDefinition], targets: Mapping[str, ClockTarget], event: ClockEvent
) -> tuple[Mapping[str, ClockTarget], frozenset[str]]:
    """The targets by clock name, one for each value of a `per` clock, and the names of all such that there may be."""
    several = [name for name, definition in definitions.items() if definition.per]
    if not several:
        return targets, frozenset()
    single = {name: target for name, target in targets.items() if name not in several}
    names = {name: list(_names(name, definitions[name].per, event)) for name in several}
    each = {instance: targets[name] for name in several if name in targets for instance in names[name]}
    # A name that stands for one instance, kept from an earlier revision, wins.
    return {**each, **single}, frozenset(instance for found in names.values() for instance in found)


def _names(name: str, field: str, event: ClockEvent) -> Iterator[str]:
    values = event.facts.values(field) if event.facts is not None else ()
    return (clock_name(name, value) for value in values)


def _to_the_minute(event: ClockEvent) -> ClockEvent:
    return event._replace(time=event.time.replace(second=0, microsecond=0))


def _first_start(name: str, scene: Scene) -> ClockState | None:
    if scene.target is None or scene.left or scene.event.status in FINAL_STATUSES:
        return None
    if not occasions.starts(scene.definition, scene.event):
        return None
    clock = _run(name, Past(scene.event.time, 1), scene, scene.target)
    # The first that we hear of a request may be what meets the clock: it must not start afterwards.
    return clock if scene.definition.start or not scene.stops else _stop(clock, scene)


def _advance_live(clock: ClockState, scene: Scene) -> ClockState:
    if scene.stops:
        return _advance_finished(_stop(clock, scene), scene)
    if occasions.resets(scene.definition, scene.event):
        ended = _stop(clock, scene)
        may_start = scene.target is not None and occasions.starts(scene.definition, scene.event)
        return _next_cycle(ended, scene, scene.target) if scene.target and may_start else ended
    over = occasions.cancels(scene.definition, scene.event) or occasions.start_has_ended(scene.definition, scene.event)
    if scene.target is None or over or scene.event.type in FINAL_EVENTS:
        return _cancel(clock, scene.event.time)
    if scene.definition.retarget_from == "now" and _complete(scene.target.target, scene.definition) != clock.target:
        return _next_cycle(clock, scene, scene.target)
    return _run(clock.name, _past(clock), scene, scene.target)


def _advance_finished(clock: ClockState, scene: Scene) -> ClockState:
    definition, event = scene.definition, scene.event
    if scene.target is None or scene.left or event.status in FINAL_STATUSES:
        return clock
    if occasions.starts_again(definition, event):
        return _next_cycle(clock, scene, scene.target)
    if event.type == EventType.REOPENED and not definition.start:
        return _reopen(clock, scene, scene.target)
    if clock.phase is not ClockPhase.CANCELLED or scene.stops or not occasions.starts(definition, event):
        return clock
    if definition.start:
        return _next_cycle(clock, scene, scene.target)
    anew = _past(clock)._replace(cycle=clock.cycle + 1, round=0, round_started=None, round_from=0)
    return _run(clock.name, anew, scene, scene.target)


def _reopen(clock: ClockState, scene: Scene, target: ClockTarget) -> ClockState:
    reopen = scene.definition.reopen
    if reopen == "new_cycle":
        return _next_cycle(clock, scene, target)
    if reopen == "frozen" and clock.phase is ClockPhase.STOPPED:
        return clock
    past = _past(clock)
    if clock.stopped is not None:
        past = past._replace(pauses=_close_pause(clock.pauses, clock.stopped, scene.event.time))
    return _run(clock.name, past, scene, target)


def _next_cycle(clock: ClockState, scene: Scene, target: ClockTarget) -> ClockState:
    started = scene.event.time
    if scene.definition.recurrence == "sequential" and clock.stopped == started and clock.due is not None:
        started = clock.due
    used, late = clock.longest_used, clock.longest_late
    if clock.phase is ClockPhase.STOPPED:
        used, late = longest_seconds(scene.calendars, clock, scene.event.time)
    past = Past(started, clock.cycle + 1, longest_used=used, longest_late=late)
    return _run(clock.name, past, scene, target)


def _past(clock: ClockState) -> Past:
    return Past(
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
    )


def _complete(target: Target, definition: ClockDefinition) -> Target:
    return target if target.calendar else replace(target, calendar=definition.calendar)


def _run(name: str, past: Past, scene: Scene, target: ClockTarget) -> ClockState:
    """Pauses, resumes or goes on under the target that holds now, and says whether it is over its due time."""
    definition, now = scene.definition, scene.event.time
    complete = _complete(target.target, definition)
    held = bool(definition.pause) and occasions.holds_still(definition, scene.event, held=past.held)
    pausing = held or scene.event.status in definition.pause_while
    pauses, paused_since = past.pauses, past.paused_since
    if pausing:
        paused_since = paused_since or max(now, past.started)
    elif paused_since is not None:
        if definition.paused_time == "excluded":
            pauses = _close_pause(pauses, paused_since, now)
        paused_since = None
    due = scene.manual
    if due is None:
        due = due_time(complete, calendar_of(scene.calendars, complete), past.started, pauses, definition.boundary)
    if paused_since is not None:
        over = paused_since > due
    else:
        over = now >= due if scene.event.type == EventType.TIMER_DUE else now > due
    if past.cycle == 1 and not (pausing or held or pauses or past.round or scene.manual):
        return ClockState(
            name=name,
            phase=ClockPhase.RUNNING,
            target=complete,
            started=past.started,
            due=due,
            breached=over,
            rule=target.rule_id,
            ladder=target.ladder or definition.ladder,
            revision=target.revision,
            longest_used=past.longest_used,
            longest_late=past.longest_late,
        )
    return ClockState(
        name=name,
        phase=ClockPhase.PAUSED if pausing else ClockPhase.RUNNING,
        target=complete,
        started=past.started,
        due=None if pausing and scene.manual is None else due,
        paused_since=paused_since,
        pauses=list(pauses),
        breached=over,
        cycle=past.cycle,
        rule=target.rule_id,
        ladder=target.ladder or definition.ladder,
        revision=target.revision,
        manual=scene.manual is not None,
        held=held,
        round=past.round,
        round_started=past.round_started,
        round_from=past.round_from,
        longest_used=past.longest_used,
        longest_late=past.longest_late,
    )


def _stop(clock: ClockState, scene: Scene) -> ClockState:
    clock = _end_pause(clock, scene)
    due = scene.manual or _due(clock, scene)
    stopped = max(scene.event.time, clock.started)
    return replace(clock, phase=ClockPhase.STOPPED, stopped=stopped, due=due, breached=stopped > due, held=False)


def _cancel(clock: ClockState, at: datetime) -> ClockState:
    pauses = clock.pauses
    if clock.paused_since is not None:
        pauses = _close_pause(pauses, clock.paused_since, at)
    breached = clock.breached
    if clock.phase is ClockPhase.RUNNING and clock.due is not None:
        # Whether anybody looked at it in between must not matter.
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


def _end_pause(clock: ClockState, scene: Scene) -> ClockState:
    """Closes an open pause."""
    if clock.paused_since is None:
        return clock
    pauses = clock.pauses
    if scene.definition.paused_time == "excluded":
        pauses = _close_pause(pauses, clock.paused_since, scene.event.time)
    return replace(clock, paused_since=None, pauses=pauses)


def _close_pause(pauses: Pauses, since: datetime, at: datetime) -> list[tuple[datetime, datetime]]:
    """With the pause that ends; one that an out-of-order event would turn around is dropped."""
    return [*pauses, (since, at)] if at > since else list(pauses)


def _due(clock: ClockState, scene: Scene) -> datetime:
    calendar = calendar_of(scene.calendars, clock.target)
    return due_time(clock.target, calendar, clock.started, clock.pauses, scene.definition.boundary)
