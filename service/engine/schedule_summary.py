"""The open requests of a tenant as a schedule tells of them, seen one after another, so that any number will do."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.domain.clock import ClockPhase, ClockState
from service.domain.event import Value
from service.domain.request import RequestState, RequestStatus
from service.engine.compiled import CompiledRulebook
from service.engine.facts import Record
from service.engine.overrides import split_overrides
from service.rules.condition import ALWAYS
from service.rules.schedule_model import Audience, Schedule
from service.rules.vocabulary import FieldType
from service.sla.occurrences import Occurrence

OPEN = frozenset({RequestStatus.OPEN, RequestStatus.ON_HOLD, RequestStatus.BLOCKED})
SOON = timedelta(days=1)
PRIORITY = "priority"
Urgency = tuple[int, float, float, str]
"""Greater is more urgent: priority, then what is due first, then what is oldest."""


@dataclass(slots=True)
class Group:
    """The requests of one department, one role or the tenant."""

    name: str
    audience: Audience
    open: int = 0
    late: int = 0
    due_next_day: int = 0
    on_hold: int = 0
    blocked: int = 0
    oldest: tuple[datetime, str] | None = None
    """When it was received, and how it is called."""
    urgent: list[Urgency] = field(default_factory=list)
    """A heap, the least urgent first."""

    def add(self, state: RequestState, urgency: Urgency, most: int, moment: datetime) -> None:
        """Counts one request; keeps the `most` most urgent."""
        due = due_times(state)
        self.open += 1
        self.late += is_late(state, moment)
        self.due_next_day += any(moment < at <= moment + SOON for at in due)
        self.on_hold += state.status is RequestStatus.ON_HOLD
        self.blocked += state.status is RequestStatus.BLOCKED
        age = (state.created, called(state))
        self.oldest = age if self.oldest is None else min(self.oldest, age)
        if len(self.urgent) < most:
            heapq.heappush(self.urgent, urgency)
        else:
            heapq.heappushpop(self.urgent, urgency)

    def facts(self, schedule: Schedule, moment: datetime) -> dict[str, Value]:
        """Names and figures for the notice and its texts."""
        named = {schedule.audience.value: self.name} if self.name else {}
        oldest = None if self.oldest is None else (moment - self.oldest[0]) // timedelta(days=1)
        return {
            **named,
            "open": self.open,
            "late": self.late,
            "due_next_day": self.due_next_day,
            "on_hold": self.on_hold,
            "blocked": self.blocked,
            "oldest": self.oldest[1] if self.oldest is not None else "",
            "oldest_days": oldest,
            "most_urgent": [name for *_, name in sorted(self.urgent, reverse=True)],
        }


class Summary:
    """What a schedule says of all requests that were added. `moment` is when it is said."""

    def __init__(
        self, compiled: CompiledRulebook, schedule: Schedule, occurrence: Occurrence, moment: datetime
    ) -> None:
        self._compiled = compiled
        self._schedule = schedule
        self._occurrence = occurrence
        self._moment = moment
        self._groups: dict[str, Group] = {}
        self._severity = severities(compiled)
        self.requests: list[str] = []
        """The ids of those that it means; filled only `for: request`."""
        self.failed = 0
        """For how many the condition could not be evaluated. They are told of: too much beats too little."""

    def add(self, state: RequestState) -> None:
        """Looks at one request; one that is finished counts nothing."""
        schedule = self._schedule
        record = None if schedule.when == ALWAYS else record_of(self._compiled, state)
        found = concerns(self._compiled, schedule, state, record, self._occurrence.time)
        if found is False:
            return
        self.failed += found is None
        if schedule.audience is Audience.REQUEST:
            self.requests.append(state.request_id)
            return
        name = "" if schedule.audience is Audience.TENANT else str(state.derived.get(schedule.audience.value) or "")
        if name or schedule.audience is Audience.TENANT:
            group = self._groups.setdefault(name, Group(name, schedule.audience))
            group.add(state, self._urgency(state), schedule.most_urgent, self._moment)

    def groups(self) -> Iterator[Group]:
        """By name. A tenant without open requests is a group all the same."""
        if self._schedule.audience is Audience.TENANT and not self._groups:
            yield Group("", Audience.TENANT)
        yield from (self._groups[name] for name in sorted(self._groups))

    def _urgency(self, state: RequestState) -> Urgency:
        due = min((at.timestamp() for at in due_times(state)), default=float("inf"))
        severity = self._severity.get(str(state.derived.get(PRIORITY, "")), -1)
        return severity, -due, -state.created.timestamp(), called(state)


def concerns(
    compiled: CompiledRulebook, schedule: Schedule, state: RequestState, record: Record | None, at: datetime
) -> bool | None:
    """Whether a schedule that comes due `at` means an open request; None when its condition cannot be evaluated."""
    if state.status not in OPEN:
        return False
    if schedule.due_today and not due_later_on(state, schedule.due_today, at, zone_of(compiled, schedule)):
        return False
    if schedule.when == ALWAYS or record is None:
        return True
    return compiled.schedule_conditions[schedule.when](record)


def zone_of(compiled: CompiledRulebook, schedule: Schedule) -> ZoneInfo:
    return compiled.rulebook.calendars[schedule.calendar].zone


def due_later_on(state: RequestState, name: str, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock runs, and is due at or after an instant, on the same local date."""
    clock = state.clocks.get(name)
    if clock is None or clock.phase is not ClockPhase.RUNNING or clock.due is None:
        return False
    return clock.due >= at and clock.due.astimezone(zone).date() == at.astimezone(zone).date()


def record_of(compiled: CompiledRulebook, state: RequestState) -> Record:
    """The facts of a request as its latest decision left them, for conditions."""
    extra: dict[str, object] = {"request.created": state.created, "event.time": state.last_event, **state.counts}
    given, _ = split_overrides(state.given)
    known = {
        "event.actor": "system",
        "request.status": state.status.value,
        "request.reopen_count": state.reopen_count,
        "request.acknowledged": state.acknowledged is not None,
        "request.events": state.decisions,
    }
    record = compiled.plan.record(given, extra, known)
    for name, value in state.derived.items():
        if name in compiled.rulebook.vocabulary:
            record.set(name, frozenset(value) if isinstance(value, list) else value)
    return record


def due_times(state: RequestState) -> list[datetime]:
    return [clock.due for clock in state.clocks.values() if clock.due is not None and _runs(clock)]


def is_late(state: RequestState, moment: datetime) -> bool:
    return any(at <= moment for at in due_times(state))


def _runs(clock: ClockState) -> bool:
    return clock.phase is ClockPhase.RUNNING


def called(state: RequestState) -> str:
    """The number, or the id of a request that has none yet."""
    return state.number or state.request_id


def severities(compiled: CompiledRulebook) -> dict[str, int]:
    vocabulary = compiled.rulebook.vocabulary
    if PRIORITY not in vocabulary or vocabulary[PRIORITY].type is not FieldType.ENUM:
        return {}
    return {value: place for place, value in enumerate(vocabulary[PRIORITY].values)}
