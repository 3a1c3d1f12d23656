"""Effects of schedules: notices, tasks and cases, for one request or for many."""

# Stays interpreted: schedules are rare.
from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from answerby.domain.alert import ACKNOWLEDGE
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event, EventType, Value
from answerby.domain.request import RequestState
from answerby.domain.schedule import Audience, Schedule
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiled.templates import render
from answerby.engine.effects.clock_figures import late_by, zone_of
from answerby.engine.effects.schedule_scope import concerns
from answerby.engine.facts.record import Record
from answerby.rules.model.rulebook import OWNER


class ScheduleNotice(NamedTuple):
    """One notice of a firing."""

    group: str
    """The department, role or date that the notice is about; empty: the tenant."""
    owner: str
    """The role that `owner` stands for."""
    payload: dict[str, Value]
    texts: Callable[[str, str], dict[str, Value]]
    """The texts of a template for a role."""


def schedule_effects(compiled: CompiledRulebook, schedule: Schedule, notice: ScheduleNotice) -> Iterator[Effect]:
    """The effects of one notice, in a stable order."""
    titles = compiled.rulebook.roles
    # A department and a role may have the same name as each other, never as another group of the same schedule.
    about = f"schedule/{schedule.id}/{notice.group}" if notice.group else f"schedule/{schedule.id}"
    for notification in schedule.notify:
        for name in notification.roles:
            role = notice.owner if name == OWNER else name
            yield Effect(
                kind=EffectKind.NOTIFY,
                key=f"{about}/{notification.template}/{role}",
                role=role,
                urgent=notification.urgent,
                payload={
                    **notice.payload,
                    **notice.texts(notification.template, role),
                    "template": notification.template,
                    "role_title": titles.get(role, role),
                    ACKNOWLEDGE: notification.until_acknowledged,
                },
            )
    if schedule.task is not None:
        role = notice.owner if schedule.task.role == OWNER else schedule.task.role
        template = schedule.task.template
        yield Effect(
            kind=EffectKind.CREATE_TASK,
            key=f"{about}/task/{template}",
            role=role,
            payload={
                **notice.payload,
                **notice.texts(template, role),
                "template": template,
                "role_title": titles.get(role, role),
            },
        )
    if schedule.open_case:
        yield Effect(
            kind=EffectKind.OPEN_CASE,
            key=f"{about}/case/{schedule.open_case}",
            urgent=True,
            payload={**notice.payload, "case": schedule.open_case},
        )


def request_effects(
    compiled: CompiledRulebook, after: RequestState, event: Event, record: Record, moment: datetime
) -> list[Effect]:
    """Effects of a schedule `for: request` on one request, if it still concerns the request."""
    schedule = compiled.rulebook.schedules.get(str(event.data.get("schedule.id", "")))
    if event.type != EventType.SCHEDULE_DUE or schedule is None or schedule.audience is not Audience.REQUEST:
        return []
    if concerns(compiled, schedule, after, record, event.time) is False:
        return []
    clock = after.clocks.get(schedule.due_today)
    payload: dict[str, Value] = {
        **after.derived,
        "status": after.status.value,
        "schedule": schedule.id,
        "date": str(event.data.get("schedule.date", "")),
        "delay_seconds": max(0, int((moment - event.time).total_seconds())),
    }
    zone = zone_of(compiled, clock)
    if clock is not None and clock.due is not None:
        payload |= {"clock": clock.name, "due": clock.due.astimezone(zone).isoformat()}
        payload["late_by"] = late_by(compiled.rulebook, clock, moment)

    def texts(template: str, role: str) -> dict[str, Value]:
        values = {**payload, "number": after.number, "role": role}
        return render(compiled.templates.get(template, ()), values, zone)

    owner = str(after.derived.get("role") or OWNER)
    # The date keeps one day's reminder apart from the next in the request's history.
    return list(schedule_effects(compiled, schedule, ScheduleNotice(str(payload["date"]), owner, payload, texts)))
