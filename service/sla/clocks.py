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
from service.sla.targets import due_time, used_micros
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


class Scene(NamedTuple):
    """One clock's view of one event."""

    definition: ClockDefinition
    calendars: Mapping[str, Calendar]
    target: ClockTarget | None
    event: ClockEvent

    @property
    def stops(self) -> bool:
        """An automatic acknowledgement is no reply."""
        automatic = self.event.type == EventType.REPLIED and self.event.actor is ActorRole.SYSTEM
        return self.event.type in self.definition.stop and not automatic

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
        clock, definition = clocks.get(name), definitions.get(name)
        if definition is None:
            advanced = _cancel(clock, event.time) if clock and clock.phase in LIVE else clock
        else:
            advanced = _advance(name, clock, Scene(definition, calendars, targets.get(name), event))
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


def _advance(name: str, clock: ClockState | None, scene: Scene) -> ClockState | None:
    if clock is None:
        return _first_start(name, scene)
    if clock.phase in LIVE:
        return _advance_live(clock, scene)
    return _advance_finished(clock, scene)


def _first_start(name: str, scene: Scene) -> ClockState | None:
    if scene.target is None or not scene.starts or scene.event.status in FINAL_STATUSES:
        return None
    clock = _start(name, scene, scene.event.time, 1)
    # The first that we hear of a request may be what meets the clock: it must not start afterwards.
    return _stop(clock, scene) if scene.stops and not scene.definition.start else clock


def _advance_live(clock: ClockState, scene: Scene) -> ClockState:
    if scene.stops:
        return _advance_finished(_stop(clock, scene), scene)
    if scene.target is None or scene.event.type in FINAL_EVENTS:
        return _cancel(clock, scene.event.time)
    return _run(_retarget(clock, scene), scene)


def _advance_finished(clock: ClockState, scene: Scene) -> ClockState:
    if scene.target is None or scene.event.status in FINAL_STATUSES:
        return clock
    if scene.restarts:
        return _start(clock.name, scene, scene.event.time, clock.cycle + 1)
    if clock.phase is ClockPhase.CANCELLED and not scene.definition.start and not scene.stops:
        revived = _start(clock.name, scene, clock.started, clock.cycle + 1)
        return _run(replace(revived, pauses=clock.pauses), scene)
    return clock


def _start(name: str, scene: Scene, started: datetime, cycle: int) -> ClockState:
    assert scene.target is not None
    clock = ClockState(
        name=name,
        phase=ClockPhase.RUNNING,
        target=scene.target.target,
        started=started,
        cycle=cycle,
    )
    return _run(_retarget(clock, scene), scene)


def _retarget(clock: ClockState, scene: Scene) -> ClockState:
    """Takes over the target, rule and ladder that hold now, with the calendar named."""
    assert scene.target is not None
    target, rule, ladder = scene.target
    if not target.calendar:
        target = replace(target, calendar=scene.definition.calendar)
    return replace(clock, target=target, rule=rule, ladder=ladder or scene.definition.ladder)


def _run(clock: ClockState, scene: Scene) -> ClockState:
    """Pauses, resumes or goes on, and says whether the clock is over its due time."""
    now = scene.event.time
    if scene.pauses:
        paused = clock.paused_since or max(now, clock.started)
        breached = paused > _due(clock, scene)
        return replace(clock, phase=ClockPhase.PAUSED, paused_since=paused, due=None, breached=breached)
    clock = _end_pause(clock, now)
    due = _due(clock, scene)
    reached = now >= due if scene.event.type == EventType.TIMER_DUE else now > due
    return replace(clock, phase=ClockPhase.RUNNING, due=due, breached=reached)


def _stop(clock: ClockState, scene: Scene) -> ClockState:
    clock = _end_pause(clock, scene.event.time)
    due = _due(clock, scene)
    stopped = max(scene.event.time, clock.started)
    return replace(clock, phase=ClockPhase.STOPPED, stopped=stopped, due=due, breached=stopped > due)


def _cancel(clock: ClockState, at: datetime) -> ClockState:
    clock = _end_pause(clock, at)
    return replace(clock, phase=ClockPhase.CANCELLED, stopped=max(at, clock.started), due=None)


def _end_pause(clock: ClockState, at: datetime) -> ClockState:
    """Closes an open pause; one that an out-of-order event would turn around is dropped."""
    if clock.paused_since is None:
        return clock
    pauses = [*clock.pauses, (clock.paused_since, at)] if at > clock.paused_since else clock.pauses
    return replace(clock, paused_since=None, pauses=pauses)


def _due(clock: ClockState, scene: Scene) -> datetime:
    return due_time(clock.target, calendar_of(scene.calendars, clock.target), clock.started, clock.pauses)
