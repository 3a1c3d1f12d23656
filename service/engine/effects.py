"""Effects of a decision: what to write back, whom to tell, which tasks and cases to open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from service.domain.clock import ClockPhase, ClockState
from service.domain.effect import Effect, EffectKind
from service.domain.event import Event, Value
from service.domain.request import RequestState
from service.engine.ladder_steps import Firing
from service.engine.messages import render
from service.rules.model import OWNER, Notification, Rulebook

if TYPE_CHECKING:
    from service.engine.decide import Draft

UPDATE = "update"
SHOWN_FACTS = ("category", "urgency", "priority", "department", "role")
"""Derived facts that an update names by itself; the others go along as they are."""


def derive_effects(
    rulebook: Rulebook,
    before: RequestState | None,
    after: RequestState,
    event: Event,
    draft: Draft,
    firing: Firing | None,
    moment: datetime,
) -> tuple[list[Effect], list[str]]:
    """The effects, in a stable order, and the alerts that are in force after the decision."""
    alerts = sorted(in_force(rulebook, after, draft))
    if event.historical:
        return [], alerts
    known = set(before.alerts) if before is not None else set()
    effects = [*case_and_notice_effects(rulebook, after, draft, known)]
    if firing is not None:
        effects += ladder_effects(rulebook, after, firing, moment)
        if firing.step.open_case:
            alerts = sorted({*alerts, f"case:{firing.step.open_case}"})
    alerts = sorted({*alerts, *(alert for alert in known if alert.startswith("case:"))})
    effects += task_effects(rulebook, before, after)
    if changed(before, after):
        effects.append(update(after, draft))
    return effects, alerts


def in_force(rulebook: Rulebook, after: RequestState, draft: Draft) -> Iterator[str]:
    for notification in notifications(draft):
        for role in resolve_roles(rulebook, after, notification):
            yield alert_of(notification, role)
    case = draft.outputs.get("open_case")
    if case:
        yield f"case:{case}"


def notifications(draft: Draft) -> tuple[Notification, ...]:
    value = draft.outputs.get("notify")
    return tuple(n for n in value if isinstance(n, Notification)) if isinstance(value, tuple) else ()


def alert_of(notification: Notification, role: str) -> str:
    return f"notify:{notification.template}:{role}"


def resolve_roles(
    rulebook: Rulebook, after: RequestState, notification: Notification, clock: ClockState | None = None
) -> list[str]:
    """`owner` becomes the role that routing named, or the clock's own role before routing named one."""
    roles: dict[str, None] = {}
    for role in notification.roles:
        if role == OWNER:
            fallback = rulebook.clocks[clock.name].role if clock is not None and clock.name in rulebook.clocks else ""
            roles[str(after.derived.get("role") or fallback or OWNER)] = None
        else:
            roles[role] = None
    return list(roles)


def case_and_notice_effects(rulebook: Rulebook, after: RequestState, draft: Draft, known: set[str]) -> Iterator[Effect]:
    because = reasons(draft)
    for notification in notifications(draft):
        for role in resolve_roles(rulebook, after, notification):
            if alert_of(notification, role) not in known:
                payload: dict[str, Value] = {**summary(after), "because": because}
                yield notice(rulebook, after, notification, role, f"notify/{notification.template}/{role}", payload)
    case = draft.outputs.get("open_case")
    if case and f"case:{case}" not in known:
        yield open_case(str(case), after, because)


def notice(
    rulebook: Rulebook,
    after: RequestState,
    notification: Notification,
    role: str,
    key: str,
    payload: Mapping[str, Value],
) -> Effect:
    texts = render(rulebook, notification.template, {**payload, "number": after.number, "role": role})
    return Effect(
        kind=EffectKind.NOTIFY,
        key=key,
        role=role,
        urgent=notification.urgent,
        payload={
            **payload,
            **texts,
            "template": notification.template,
            "role_title": rulebook.roles.get(role, role),
            "acknowledge": notification.until_acknowledged,
        },
    )


def open_case(case: str, after: RequestState, because: list[str]) -> Effect:
    return Effect(
        kind=EffectKind.OPEN_CASE,
        key=f"case/{case}",
        urgent=True,
        payload={**summary(after), "case": case, "because": because},
    )


def ladder_effects(rulebook: Rulebook, after: RequestState, firing: Firing, moment: datetime) -> Iterator[Effect]:
    timer, clock = firing.timer, firing.clock
    payload: dict[str, Value] = {
        **summary(after),
        "clock": timer.clock,
        "due": clock.due.isoformat() if clock.due else "",
        "fired": moment.isoformat(),
        "late_by": firing.late_by,
        "step": timer.step,
        "repeat": timer.repeat,
    }
    for label, text in rulebook.clocks[timer.clock].label.items() if timer.clock in rulebook.clocks else ():
        payload[f"clock.{label}"] = text
    for notification in firing.step.notify:
        for role in resolve_roles(rulebook, after, notification, clock):
            key = f"ladder/{timer.id}/{notification.template}/{role}"
            yield notice(rulebook, after, notification, role, key, payload)
    if firing.step.open_case and f"case:{firing.step.open_case}" not in after.alerts and timer.repeat == 0:
        yield open_case(firing.step.open_case, after, [])


def task_effects(rulebook: Rulebook, before: RequestState | None, after: RequestState) -> Iterator[Effect]:
    """A clock with a task makes it when it starts, once per cycle."""
    earlier = before.clocks if before is not None else {}
    for name in sorted(after.clocks):
        clock, definition = after.clocks[name], rulebook.clocks.get(name)
        if definition is None or not definition.task or clock.phase is not ClockPhase.RUNNING:
            continue
        if name in earlier and earlier[name].cycle == clock.cycle and earlier[name].phase is not ClockPhase.CANCELLED:
            continue
        due = clock.due.isoformat() if clock.due else ""
        payload: dict[str, Value] = {**summary(after), "clock": name, "due": due}
        texts = render(rulebook, definition.task, {**payload, "number": after.number, "role": definition.role})
        role = str(after.derived.get("role") or definition.role) if definition.role == OWNER else definition.role
        yield Effect(
            kind=EffectKind.CREATE_TASK,
            key=f"task/{name}/{clock.cycle}",
            role=role,
            payload={**payload, **texts, "template": definition.task, "role_title": rulebook.roles.get(role, role)},
        )


def changed(before: RequestState | None, after: RequestState) -> bool:
    """Whether there is something new to write back: a derived fact, a due time, a breach or the status."""
    if before is None or not before.decisions:
        return True
    return (
        before.derived != after.derived
        or before.status is not after.status
        or deadlines(before.clocks) != deadlines(after.clocks)
    )


def deadlines(clocks: Mapping[str, ClockState]) -> dict[str, tuple[datetime | None, bool]]:
    return {name: (clock.due, clock.breached) for name, clock in clocks.items() if clock.phase is ClockPhase.RUNNING}


def update(after: RequestState, draft: Draft) -> Effect:
    payload = {**summary(after), **due_times(after), "because": reasons(draft)}
    return Effect(kind=EffectKind.UPDATE_REQUEST, key=UPDATE, supersedes=UPDATE, payload=payload)


def summary(after: RequestState) -> dict[str, Value]:
    return {**after.derived, "status": after.status.value}


def due_times(after: RequestState) -> dict[str, Value]:
    """`due.<clock>` of every running clock, and the one that is due first."""
    running = [c for c in after.clocks.values() if c.phase is ClockPhase.RUNNING and c.due is not None]
    running.sort(key=lambda c: (c.due, c.name))
    times: dict[str, Value] = {f"due.{c.name}": c.due.isoformat() for c in running if c.due is not None}
    if running and running[0].due is not None:
        times |= {"next_due": running[0].due.isoformat(), "next_due_clock": running[0].name}
    times["breached"] = sorted(c.name for c in after.clocks.values() if c.breached)
    return times


def reasons(draft: Draft) -> list[str]:
    """The words of the rules that decided, stage by stage, each once."""
    words: dict[str, None] = {}
    for stage in draft.explanation:
        if stage.stage in {"classification", "priority", "escalation"}:
            words.update((f"{rule.because} ({rule.id})", None) for rule in stage.won)
    return list(words)
