"""decide_schedule(): makes a decision of an occurrence of a schedule. Pure."""

# Stays interpreted: schedules are rare.
from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from answerby.domain.decision import Decision, Flag
from answerby.domain.event import INTERNAL_SOURCE, ActorRole, Event, EventType, Value
from answerby.domain.schedule import Audience, Every, Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiled.templates import render
from answerby.engine.effects.distinct import distinct
from answerby.engine.effects.schedules import ScheduleNotice, schedule_effects
from answerby.engine.schedules.summary import Group, Summary
from answerby.rules.model.rulebook import OWNER
from answerby.sla.occurrences import Occurrence

SOURCE = f"{INTERNAL_SOURCE}schedules"
MISSED_NAMED = 31
"""Most missed dates that a notice names. It counts the others."""


class ScheduleFiring(NamedTuple):
    """An occurrence of a schedule for a tenant."""

    tenant: str
    schedule: Schedule
    occurrence: Occurrence
    missed: tuple[date, ...]
    """The local dates of earlier occurrences without a decision, in order."""
    sequence: int
    """Number of this firing of the schedule for the tenant, from 1."""

    @property
    def subject(self) -> str:
        """The id that its decisions have in place of a request's."""
        return f"schedule/{self.schedule.id}"

    @property
    def event_id(self) -> str:
        return f"{self.subject}/{self.occurrence.day.isoformat()}"


def decide_schedule(compiled: CompiledRulebook, firing: ScheduleFiring, summary: Summary, moment: datetime) -> Decision:
    """One decision for all open requests of the tenant, which were added to `summary`.

    Its effects are for groups of requests. A schedule `for: request` has no effect here. Its follow-ups are one event
    for each request in its scope, and each request decides its own.
    """
    schedule, occurrence = firing.schedule, firing.occurrence
    flags = []
    if firing.missed:
        dates = ", ".join(map(str, firing.missed[-MISSED_NAMED:]))
        flags.append(Flag("SCHEDULE_MISSED", f"made up for {len(firing.missed)} earlier occurrences at once: {dates}"))
    if summary.failed:
        message = (
            f"the condition of the schedule could not be evaluated for {summary.failed} requests; they are told of"
        )
        flags.append(Flag("SCHEDULE_CONDITION_FAILED", message))
    facts = facts_of(firing, moment)
    per_request = schedule.audience is Audience.REQUEST
    notices = [] if per_request else [notice(compiled, firing, group, facts, moment) for group in summary.groups()]
    return Decision(
        tenant=firing.tenant,
        request_id=firing.subject,
        event_source=SOURCE,
        event_id=firing.event_id,
        event_type=EventType.SCHEDULE_DUE,
        event_time=occurrence.time,
        decided=moment,
        sequence=firing.sequence,
        revision=compiled.rulebook.revision,
        facts=facts,
        effects=distinct([effect for item in notices for effect in schedule_effects(compiled, schedule, item)]),
        flags=flags,
        follow_ups=[request_event(firing, request_id) for request_id in summary.requests] if per_request else [],
    )


def facts_of(firing: ScheduleFiring, moment: datetime) -> dict[str, Value]:
    """The facts of the firing itself."""
    schedule, occurrence = firing.schedule, firing.occurrence
    facts: dict[str, Value] = {
        "schedule": schedule.id,
        "date": occurrence.day.isoformat(),
        "delay_seconds": max(0, int((moment - occurrence.time).total_seconds())),
        "missed": len(firing.missed),
    }
    if occurrence.nominal != occurrence.day:
        facts["moved_from"] = occurrence.nominal.isoformat()
    if firing.missed:
        facts["missed_dates"] = [str(day) for day in firing.missed[-MISSED_NAMED:]]
    if schedule.every is Every.MONTH:
        facts |= {"by": occurrence.nominal.isoformat(), "month": month_before(occurrence.nominal)}
    return facts


def month_before(day: date) -> str:
    """The month before that of `day`, such as 2026-09: a report is about the month before."""
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return f"{year}-{month:02}"


def notice(
    compiled: CompiledRulebook, firing: ScheduleFiring, group: Group, facts: dict[str, Value], moment: datetime
) -> ScheduleNotice:
    schedule = firing.schedule
    payload = {**facts, **group.facts(schedule, moment)}

    def texts(template: str, role: str) -> dict[str, Value]:
        # A dash stands for an empty value, such as the oldest request where there is none.
        shown = {name: "-" if value in (None, "", []) else value for name, value in payload.items()}
        return render(compiled.templates.get(template, ()), {**shown, "role": role}, compiled.numbering_zone)

    owner = group.name if schedule.audience is Audience.ROLE else OWNER
    return ScheduleNotice(group.name, owner, payload, texts)


def request_event(firing: ScheduleFiring, request_id: str) -> Event:
    """The event for one request. All workers and attempts make the same event, so that it is decided once."""
    return Event(
        tenant=firing.tenant,
        source=SOURCE,
        id=f"{firing.event_id}/{request_id}",
        type=EventType.SCHEDULE_DUE,
        time=firing.occurrence.time.astimezone(UTC),
        request_id=request_id,
        actor=ActorRole.SYSTEM,
        data={"schedule.id": firing.schedule.id, "schedule.date": firing.occurrence.day.isoformat()},
    )
