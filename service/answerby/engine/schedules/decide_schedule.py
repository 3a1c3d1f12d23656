"""decide_schedule(): what a schedule that comes due has told, begun, or asked of requests. Pure."""

# Stays interpreted: schedules are rare.
from __future__ import annotations

from datetime import UTC, date, datetime
from typing import NamedTuple

from answerby.domain.decision import Decision, Flag
from answerby.domain.event import INTERNAL_SOURCE, ActorRole, Event, EventType, Value
from answerby.domain.schedule import Audience, Every, Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiled.templates import render
from answerby.engine.effects.schedules import ScheduleNotice, schedule_effects
from answerby.engine.schedules.summary import Group, Summary
from answerby.rules.model.rulebook import OWNER
from answerby.sla.occurrences import Occurrence

SOURCE = f"{INTERNAL_SOURCE}schedules"
MISSED_NAMED = 31
"""Missed dates that a notice names; the rest is counted."""


class ScheduleFiring(NamedTuple):
    """A schedule that comes due for a tenant."""

    tenant: str
    schedule: Schedule
    occurrence: Occurrence
    missed: tuple[date, ...]
    """The local dates of earlier occurrences that nobody was told of, in order."""
    sequence: int
    """Counts the firings of this schedule for this tenant, from 1."""

    @property
    def subject(self) -> str:
        """What its decisions are about, in place of a request."""
        return f"schedule/{self.schedule.id}"

    @property
    def event_id(self) -> str:
        return f"{self.subject}/{self.occurrence.day.isoformat()}"


def decide_schedule(compiled: CompiledRulebook, firing: ScheduleFiring, summary: Summary, moment: datetime) -> Decision:
    """One decision for all open requests of the tenant, which `summary` has seen.

    Its effects tell of groups of them. A schedule `for: request` has no effect of its own: its follow-ups are one
    event for each request that it means, and are decided there.
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
        effects=[effect for told in notices for effect in schedule_effects(compiled, schedule, told)],
        flags=flags,
        follow_ups=[request_event(firing, request_id) for request_id in summary.requests] if per_request else [],
    )


def facts_of(firing: ScheduleFiring, moment: datetime) -> dict[str, Value]:
    """What there is to say of the firing itself."""
    schedule, occurrence = firing.schedule, firing.occurrence
    facts: dict[str, Value] = {
        "schedule": schedule.id,
        "date": occurrence.day.isoformat(),
        "late_by": max(0, int((moment - occurrence.time).total_seconds())),
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
    """The month that a report made in the month of `day` is about, such as 2026-09."""
    year, month = (day.year, day.month - 1) if day.month > 1 else (day.year - 1, 12)
    return f"{year}-{month:02}"


def notice(
    compiled: CompiledRulebook, firing: ScheduleFiring, group: Group, facts: dict[str, Value], moment: datetime
) -> ScheduleNotice:
    schedule = firing.schedule
    payload = {**facts, **group.facts(schedule, moment)}

    def texts(template: str, role: str) -> dict[str, Value]:
        # What is nothing is said, too: a template that asks for the oldest request of none gets a dash.
        shown = {name: "-" if value in (None, "", []) else value for name, value in payload.items()}
        return render(compiled.templates.get(template, ()), {**shown, "role": role})

    owner = group.name if schedule.audience is Audience.ROLE else OWNER
    return ScheduleNotice(group.name, owner, payload, texts)


def request_event(firing: ScheduleFiring, request_id: str) -> Event:
    """The same for every worker and every attempt, so that it is decided once."""
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
