"""The life of a clock: what one event does to each clock of its request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from service.domain.clock import ClockPhase, ClockState, Target
from service.domain.errors import FieldViolation, InvalidInput
from service.domain.event import ActorRole, EventType
from service.domain.request import RequestStatus
from service.sla.calendar import ALWAYS, Calendar
from service.sla.targets import Pauses, due_time, used_micros
from service.sla.year_table import SECOND

if TYPE_CHECKING:
    from service.rules.model import ClockDefinition

FINAL_EVENTS = frozenset({EventType.CLOSED, EventType.MERGED})
FINAL_STATUSES = frozenset({RequestStatus.CLOSED, RequestStatus.MERGED})
LIVE = frozenset({ClockPhase.RUNNING, ClockPhase.PAUSED})


class ClockTarget(NamedTuple):
    """What the sla stage said for one clock: its target, the rule that set it, the ladder it climbs."""

    target: Target
    rule_id: str
    ladder: str


class ClockEvent(NamedTuple):
    """As much of an event as a clock can see. `status` is the request's status after it."""

    type: str
    time: datetime
    actor: ActorRole
    status: RequestStatus


class Past(NamedTuple):
    """What a clock has behind it when an event comes."""

    started: datetime
    cycle: int
    pauses: Pauses = ()
    paused_since: datetime | None = None


class Scene(NamedTuple):
    """One clock's view of one event."""

    definition: ClockDefinition
    calendars: Mapping[str, Calendar]
    target: ClockTarget | None
    event: ClockEvent

    @property
    def stops(self) -> bool:
        """An automatic acknowledgement is no reply."""
        event = self.event
        if event.type not in self.definition.stop:
            return False
        return event.actor is not ActorRole.SYSTEM or event.type != EventType.REPLIED

    @property
    def pauses(self) -> bool:
        return self.event.status in self.definition.pause_while

    @property
    def starts(self) -> bool:
        """A start event of the clock; one without start types starts as soon as it has a target."""
        return not self.definition.start or self.event.type in self.definition.start

    @property
    def restarts(self) -> bool:
        """What starts a finished clock again: its start event or, where it has none, the request's reopening."""
        if self.definition.start:
            return self.event.type in self.definition.start
        return self.event.type == EventType.REOPENED


def advance_clocks(
    definitions: Mapping[str, ClockDefinition],
    calendars: Mapping[str, Calendar],
    clocks: Mapping[str, ClockState],
    targets: Mapping[str, ClockTarget],
    event: ClockEvent,
    request_created: datetime,  # noqa: ARG001 - clocks that start with the request will need it
) -> dict[str, ClockState]:
    """All clocks of a request after an event, in the order of their names.

    Order of evaluation for each clock: stop, restart, cancel, re-target, pause, resume. A finished clock never changes
    except by a restart, which counts its cycle up. A clock whose definition is gone is cancelled. A re-targeted clock
    keeps its start and its pauses; a clock that lost its target and gets one again goes on from its first start.
    Raises CalendarYearMissing, TimeOutOfRange, and InvalidInput for a target with an unknown calendar.
    """
    after: dict[str, ClockState] = {}
    for name in sorted({*clocks, *targets}):
        clock, definition, target = clocks.get(name), definitions.get(name), targets.get(name)
        if definition is None:
            advanced = _cancel(clock, event.time) if clock and clock.phase in LIVE else clock
        else:
            scene = Scene(definition, calendars, target, event)
            if clock is None:
                advanced = _first_start(name, scene)
            else:
                advanced = _advance_live(clock, scene) if clock.phase in LIVE else _advance_finished(clock, scene)
        if advanced is not None:
            after[name] = advanced
    return after


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


def _first_start(name: str, scene: Scene) -> ClockState | None:
    if scene.target is None or not scene.starts or scene.event.status in FINAL_STATUSES:
        return None
    clock = _run(name, Past(scene.event.time, 1), scene, scene.target)
    # The first that we hear of a request may be what meets the clock: it must not start afterwards.
    return clock if scene.definition.start or not scene.stops else _stop(clock, scene)


def _advance_live(clock: ClockState, scene: Scene) -> ClockState:
    if scene.stops:
        return _advance_finished(_stop(clock, scene), scene)
    if scene.target is None or scene.event.type in FINAL_EVENTS:
        return _cancel(clock, scene.event.time)
    past = Past(clock.started, clock.cycle, clock.pauses, clock.paused_since)
    return _run(clock.name, past, scene, scene.target)


def _advance_finished(clock: ClockState, scene: Scene) -> ClockState:
    if scene.target is None or scene.event.status in FINAL_STATUSES:
        return clock
    if scene.restarts:
        return _run(clock.name, Past(scene.event.time, clock.cycle + 1), scene, scene.target)
    if clock.phase is ClockPhase.CANCELLED and not scene.definition.start and not scene.stops:
        return _run(clock.name, Past(clock.started, clock.cycle + 1, clock.pauses), scene, scene.target)
    return clock


def _run(name: str, past: Past, scene: Scene, goal: ClockTarget) -> ClockState:
    """Pauses, resumes or goes on under the target that holds now, and says whether it is over its due time."""
    target, rule, ladder = goal
    if not target.calendar:
        target = replace(target, calendar=scene.definition.calendar)
    now, pausing = scene.event.time, scene.pauses
    pauses, paused_since = past.pauses, past.paused_since
    if pausing:
        paused_since = paused_since or max(now, past.started)
    elif paused_since is not None:
        pauses, paused_since = _close_pause(pauses, paused_since, now), None
    due = due_time(target, calendar_of(scene.calendars, target), past.started, pauses)
    if paused_since is not None:
        over = paused_since > due
    else:
        over = now >= due if scene.event.type == EventType.TIMER_DUE else now > due
    return ClockState(
        name=name,
        phase=ClockPhase.PAUSED if pausing else ClockPhase.RUNNING,
        target=target,
        started=past.started,
        due=None if pausing else due,
        paused_since=paused_since,
        pauses=list(pauses),
        breached=over,
        cycle=past.cycle,
        rule=rule,
        ladder=ladder or scene.definition.ladder,
    )


def _stop(clock: ClockState, scene: Scene) -> ClockState:
    clock = _end_pause(clock, scene.event.time)
    due = _due(clock, scene)
    stopped = max(scene.event.time, clock.started)
    return replace(clock, phase=ClockPhase.STOPPED, stopped=stopped, due=due, breached=stopped > due)


def _cancel(clock: ClockState, at: datetime) -> ClockState:
    clock = _end_pause(clock, at)
    return replace(clock, phase=ClockPhase.CANCELLED, stopped=max(at, clock.started), due=None)


def _end_pause(clock: ClockState, at: datetime) -> ClockState:
    """Closes an open pause."""
    if clock.paused_since is None:
        return clock
    return replace(clock, paused_since=None, pauses=_close_pause(clock.pauses, clock.paused_since, at))


def _close_pause(pauses: Pauses, since: datetime, at: datetime) -> list[tuple[datetime, datetime]]:
    """With the pause that ends; one that an out-of-order event would turn around is dropped."""
    return [*pauses, (since, at)] if at > since else list(pauses)


def _due(clock: ClockState, scene: Scene) -> datetime:
    return due_time(clock.target, calendar_of(scene.calendars, clock.target), clock.started, clock.pauses)
