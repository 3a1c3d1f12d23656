"""Summaries of a tenant's open requests for schedules. Requests are added one by one, so any number will do."""

# Stays interpreted: schedules are rare.
from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from answerby.domain.condition import ALWAYS
from answerby.domain.event import Value
from answerby.domain.request import RequestState, RequestStatus
from answerby.domain.schedule import Audience, Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.schedule_scope import concerns, is_running
from answerby.engine.facts.record import Record
from answerby.engine.stages.overrides import split_overrides
from answerby.rules.model.vocabulary import FieldType
from answerby.sla.occurrences import Occurrence

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
    """When the oldest request was received, and its name."""
    urgent: list[Urgency] = field(default_factory=list)
    """A heap, the least urgent first."""

    def add(self, state: RequestState, urgency: Urgency, most: int, moment: datetime) -> None:
        """Counts one request, and keeps the `most` most urgent."""
        due = due_times(state)
        self.open += 1
        self.late += is_late(state, moment)
        self.due_next_day += any(moment < at <= moment + SOON for at in due)
        self.on_hold += state.status is RequestStatus.ON_HOLD
        self.blocked += state.status is RequestStatus.BLOCKED
        age = (state.created, name_of(state))
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
    """Summary of the requests that were added, for one occurrence. `moment` is what counts as now."""

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
        """The ids of the requests in the schedule's scope; only for schedules `for: request`."""
        self.failed = 0
        """Number of requests whose condition could not be evaluated. They count: too many beats too few."""

    def add(self, state: RequestState) -> None:
        """Adds one request. A finished request counts nothing."""
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
        """The groups by name. A tenant without open requests has a group too."""
        if self._schedule.audience is Audience.TENANT and not self._groups:
            yield Group("", Audience.TENANT)
        yield from (self._groups[name] for name in sorted(self._groups))

    def _urgency(self, state: RequestState) -> Urgency:
        due = min((at.timestamp() for at in due_times(state)), default=float("inf"))
        severity = self._severity.get(str(state.derived.get(PRIORITY, "")), -1)
        return severity, -due, -state.created.timestamp(), name_of(state)


def record_of(compiled: CompiledRulebook, state: RequestState) -> Record:
    """The facts of a request after its latest decision, for conditions."""
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
    return [clock.due for clock in state.clocks.values() if clock.due is not None and is_running(clock)]


def is_late(state: RequestState, moment: datetime) -> bool:
    return any(at <= moment for at in due_times(state))


def name_of(state: RequestState) -> str:
    """The request's number, or its id while it has no number."""
    return state.number or state.request_id


def severities(compiled: CompiledRulebook) -> dict[str, int]:
    vocabulary = compiled.rulebook.vocabulary
    if PRIORITY not in vocabulary or vocabulary[PRIORITY].type is not FieldType.ENUM:
        return {}
    return {value: place for place, value in enumerate(vocabulary[PRIORITY].values)}
