"""Effects of a decision: the update for the platform, notices, tasks and cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.alert import ACKNOWLEDGE, Alert, CaseAlert
from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose, definition_id
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.decision import LASTING_FLAGS, Flag
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import EventType, Value
from answerby.domain.ladder import Ladder, Notification
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.clocks.firing import Firing
from answerby.engine.clocks.missed_reminders import HeldReminder, digest_of, held_reminders, held_timers
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiled.templates import render
from answerby.engine.effects.clock_figures import late_by, zone_of
from answerby.engine.effects.notices import Notice, addressed, strongest
from answerby.engine.effects.roles import former_owner, resolve_roles, told_roles
from answerby.engine.effects.schedules import request_effects
from answerby.engine.stages.stage_results import StageResults
from answerby.rules.model.rulebook import ACKNOWLEDGER, OWNER
from answerby.sla.clocks import definition_of

UPDATE = "update"
_BY_CODE = attrgetter("code")


class EffectContext(NamedTuple):
    """Inputs that all effects of a decision share."""

    compiled: CompiledRulebook
    after: RequestState
    summary: dict[str, Value]
    reasons: list[str]
    flags: Sequence[Flag] = ()
    words: bool = True
    """False: payloads have no words, and effects only name their roles and templates."""

    def local(self, moment: datetime, clock: ClockState | None) -> str:
        """An instant as payloads carry it: in the local time of the clock's calendar, with the offset."""
        return moment.astimezone(zone_of(self.compiled, clock)).isoformat()


def derive_effects(
    case: Case,
    after: RequestState,
    results: StageResults,
    firing: Firing | None,
    flags: Sequence[Flag] = (),
    *,
    words: bool = True,
) -> tuple[list[Effect], list[Alert]]:
    """The effects, in a stable order, and the alerts in force after the decision, by code.

    An update tells those of the `flags` that concern a person beyond the decision.

    Without `words` there is no update, and payloads only name the template or the case.
    """
    compiled, before, event = case.compiled, case.state, case.event
    notices = addressed(compiled, after, results)
    case_of_rules = results.outputs.get("open_case")
    case_alert = CaseAlert(str(case_of_rules)) if case_of_rules else None
    alerts: list[Alert] = [alert for notice in notices for alert in notice.alerts]
    if case_alert is not None:
        alerts.append(case_alert)
    if event.historical:
        return [], sorted(alerts, key=_BY_CODE)
    summary: dict[str, Value] = {**after.derived, "status": after.status.value} if words else {}
    context = EffectContext(compiled, after, summary, results.reasons, flags, words)
    known = {alert.code: alert for alert in before.alerts} if before is not None else {}
    effects = [rule_notice(context, notice) for notice in notices if any(a.code not in known for a in notice.alerts)]
    if case_alert is not None and case_alert.code not in known:
        effects.append(open_case(context, case_alert.case, context.reasons))
    if firing is not None:
        effects += ladder_effects(context, before, firing, case.moment)
        if firing.step is not None and firing.step.open_case:
            alerts.append(CaseAlert(firing.step.open_case))
    alerts += [alert for alert in known.values() if isinstance(alert, CaseAlert)]
    if event.type == EventType.SCHEDULE_DUE:
        effects += request_effects(compiled, after, event, results.record, case.moment)
    effects += task_effects(context, before)
    if words and changed(before, after):
        effects.append(update(context))
    in_force = {alert.code: alert for alert in alerts}
    return effects, [in_force[code] for code in sorted(in_force)]


def rule_notice(context: EffectContext, notice: Notice) -> Effect:
    notification, role, _ = notice
    payload: dict[str, Value] = {**context.summary, "because": context.reasons}
    return notify(context, notification, role, f"notify/{notification.template}/{role}", payload, None)


def notify(
    context: EffectContext,
    notification: Notification,
    role: str,
    key: str,
    payload: Mapping[str, Value],
    clock: ClockState | None,
) -> Effect:
    """The notice for a role. Its texts tell times as in the calendar of `clock`, if it is about one."""
    told: dict[str, Value] = {"template": notification.template, ACKNOWLEDGE: notification.until_acknowledged}
    if not context.words:
        return Effect(kind=EffectKind.NOTIFY, key=key, role=role, urgent=notification.urgent, payload=told)
    return Effect(
        kind=EffectKind.NOTIFY,
        key=key,
        role=role,
        urgent=notification.urgent,
        payload={
            **payload,
            **texts(context, notification.template, payload, role, clock),
            **told,
            "role_title": context.compiled.rulebook.roles.get(role, role),
        },
    )


def texts(
    context: EffectContext, template: str, payload: Mapping[str, Value], role: str, clock: ClockState | None
) -> dict[str, Value]:
    values = {**payload, "number": context.after.number, "role": role}
    return render(context.compiled.templates.get(template, ()), values, zone_of(context.compiled, clock))


def open_case(context: EffectContext, case: str, because: list[str]) -> Effect:
    payload: dict[str, Value] = {"case": case}
    if context.words:
        payload = {**context.summary, **payload, "because": because}
    return Effect(kind=EffectKind.OPEN_CASE, key=f"case/{case}", urgent=True, payload=payload)


def ladder_effects(
    context: EffectContext, before: RequestState | None, firing: Firing, moment: datetime
) -> Iterator[Effect]:
    """Effects of a ladder's timer: a step's notices and case, held reminders, or a lapse."""
    assert before is not None
    payload = ladder_payload(context, firing, moment)
    match firing.timer.purpose:
        case TimerPurpose.STEP:
            yield from step_effects(context, firing, payload)
        case TimerPurpose.QUIET_ENDS:
            yield from held_back_effects(context, before, firing, payload)
        case TimerPurpose.CATCH_UP:
            yield from catch_up_effects(context, before, firing, moment)
        case TimerPurpose.LAPSE:
            notification = Notification((ACKNOWLEDGER,), first_template(firing.ladder))
            answer = (before.answers or {}).get(firing.clock.name)
            payload = {**payload, "acknowledged_by": answer.by if answer else context.after.acknowledged_by}
            yield notify(context, notification, ACKNOWLEDGER, f"ladder/{firing.timer.id}", payload, firing.clock)


def first_template(ladder: Ladder) -> str:
    return next((n.template for step in ladder.steps for n in step.notify if n.template), "")


def ladder_payload(context: EffectContext, firing: Firing, moment: datetime) -> dict[str, Value]:
    if not context.words:
        return {}
    timer, clock = firing.timer, firing.clock
    payload: dict[str, Value] = {
        **context.summary,
        "clock": timer.clock,
        "due": context.local(clock.due, clock) if clock.due else "",
        "fired": context.local(moment, clock),
        "late_by": late_by(context.compiled.rulebook, clock, moment),
        "delay_seconds": firing.delay_seconds,
        "step": timer.step,
        "repeat": timer.repeat,
    }
    definition = definition_of(context.compiled.rulebook.clocks, timer.clock)
    for language, text in definition.label.items() if definition is not None else ():
        payload[f"clock.{language}"] = text
    return payload


def step_effects(context: EffectContext, firing: Firing, payload: Mapping[str, Value]) -> Iterator[Effect]:
    timer, step, after = firing.timer, firing.step, context.after
    assert step is not None
    if not step.notify:
        yield from handed_over_effects(context, firing, payload)
    for notification in step.notify:
        if firing.held_until is None or notification.urgent:
            yield from reminders(context, firing, timer, notification, payload)
    if step.open_case and CaseAlert(step.open_case) not in after.alerts and timer.repeat == 0:
        yield open_case(context, step.open_case, [])


def reminders(
    context: EffectContext, firing: Firing, timer: Timer, notification: Notification, payload: Mapping[str, Value]
) -> Iterator[Effect]:
    after, key = context.after, f"ladder/{timer.id}/{notification.template}"
    roles = resolve_roles(context.compiled.rulebook, after, notification, firing.clock)
    for role in roles:
        yield notify(context, notification, role, f"{key}/{role}", payload, firing.clock)
    former = former_owner(after, timer, firing.ladder.steps[timer.step], notification)
    if not former:
        return
    department, role = former
    same_role = role == after.derived.get("role") and department != after.derived.get("department")
    if role not in roles or same_role:
        yield notify(context, notification, role, f"{key}/{role}/before", _of_before(payload, department), firing.clock)


def handed_over_effects(context: EffectContext, firing: Firing, payload: Mapping[str, Value]) -> Iterator[Effect]:
    """Messages, in words of answerby's own, of a step that gives the request to others and says nothing itself."""
    after = context.after
    former = after.handed_over.get(firing.timer.id)
    if not former:
        return
    department, role = former
    notification, key = Notification((OWNER,)), f"ladder/{firing.timer.id}/handed_over"
    (owner,) = resolve_roles(context.compiled.rulebook, after, notification, firing.clock)
    for told, suffix, facts in ((owner, "", payload), (role, "/before", _of_before(payload, department))):
        message = notify(context, notification, told, f"{key}/{told}{suffix}", facts, firing.clock)
        words = _handed_over_words(context, role, owner) if context.words else {}
        yield replace(message, payload={**message.payload, **words})


def _of_before(payload: Mapping[str, Value], department: str) -> dict[str, Value]:
    return {**payload, "department": department, "handed_over": True} if payload else {}


def _handed_over_words(context: EffectContext, role: str, owner: str) -> dict[str, Value]:
    titles, number = context.compiled.rulebook.roles, context.after.number or context.after.request_id
    before, now = titles.get(role, role), titles.get(owner, owner)
    return {
        "text.en": f"{number} was given by an escalation from {before} to {now}.",
        "text.zh": f"{number} 因超时升级，由“{before}”转交“{now}”。",
    }


def catch_up_effects(
    context: EffectContext, before: RequestState, firing: Firing, moment: datetime
) -> Iterator[Effect]:
    """One notice per role for reminders missed in an outage: the text of the last one, a list of all.

    It is as strong as the strongest of them, as a digest is.
    """
    by_role: dict[str, list[HeldReminder]] = {}
    for reminder in held_reminders(before, context.after, firing.timer):
        step = reminder.ladder.steps[reminder.timer.step]
        roles = told_roles(
            context.compiled.rulebook, context.after, reminder.timer, step, reminder.notification, reminder.clock
        )
        for role in roles:
            by_role.setdefault(role, []).append(reminder)
    for role, waiting in sorted(by_role.items()):
        last = waiting[-1]
        delay = int((moment - last.timer.due).total_seconds())
        latest = firing._replace(timer=last.timer, clock=last.clock, ladder=last.ladder, delay_seconds=delay)
        payload = {**ladder_payload(context, latest, moment), **digest_of(waiting)}
        payload["held_back_since"] = [context.local(item.timer.due, item.clock) for item in waiting]
        together = strongest([item.notification for item in waiting])
        yield notify(context, together, role, f"catch_up/{firing.timer.id}/{role}", payload, last.clock)


def held_back_effects(
    context: EffectContext, before: RequestState, firing: Firing, payload: Mapping[str, Value]
) -> Iterator[Effect]:
    """The reminders that waited for this opening: each by itself, or as one digest per role."""
    ladder, clock = firing.ladder, firing.clock
    waiting = [timer for timer in held_timers(before.timers, firing.timer) if timer.step < len(ladder.steps)]
    digest: dict[str, list[tuple[Timer, Notification]]] = {}
    for timer in waiting:
        since = context.local(timer.due, clock)
        own_payload = {**payload, "step": timer.step, "repeat": timer.repeat, "held_back_since": since}
        for notification in ladder.steps[timer.step].notify:
            if notification.urgent:
                continue
            if ladder.quiet_hours is None or ladder.quiet_hours.then != "digest":
                yield from reminders(context, firing, timer, notification, own_payload)
                continue
            step = ladder.steps[timer.step]
            for role in told_roles(context.compiled.rulebook, context.after, timer, step, notification, clock):
                digest.setdefault(role, []).append((timer, notification))
    for role, items in sorted(digest.items()):
        all_since: list[str] = [context.local(timer.due, clock) for timer, _ in items]
        digest_payload = {**payload, "digest": [n.template for _, n in items], "held_back_since": all_since}
        together = strongest([notification for _, notification in items])
        yield notify(context, together, role, f"digest/{firing.timer.id}/{role}", digest_payload, clock)


def task_effects(context: EffectContext, before: RequestState | None) -> list[Effect]:
    """Tasks of clocks that started: one per clock and cycle."""
    effects: list[Effect] = []
    earlier = before.clocks if before is not None else {}
    for name, definition in clocks_with_tasks(context):
        clock = context.after.clocks[name]
        if clock.phase is not ClockPhase.RUNNING:
            continue
        if name in earlier and earlier[name].cycle == clock.cycle and earlier[name].phase is not ClockPhase.CANCELLED:
            continue
        role = definition.role
        if role == OWNER:
            role = str(context.after.derived.get("role") or OWNER)
        payload = task_payload(context, definition, clock, role) if context.words else {}
        key = f"task/{name}/{clock.cycle}"
        effects.append(Effect(kind=EffectKind.CREATE_TASK, key=key, role=role, payload=payload))
    return effects


def task_payload(context: EffectContext, definition: ClockDefinition, clock: ClockState, role: str) -> dict[str, Value]:
    due = context.local(clock.due, clock) if clock.due else ""
    payload: dict[str, Value] = {**context.summary, "clock": clock.name, "due": due}
    text = texts(context, definition.task, payload, definition.role, clock)
    title = context.compiled.rulebook.roles.get(role, role)
    return {**payload, **text, "template": definition.task, "role_title": title}


def clocks_with_tasks(context: EffectContext) -> list[tuple[str, ClockDefinition]]:
    found: list[tuple[str, ClockDefinition]] = []
    clocks = context.after.clocks
    for definition in context.compiled.tasks:
        if not definition.per:
            names = [definition.id] if definition.id in clocks else []
        else:
            names = [name for name in clocks if definition_id(name) == definition.id]
        found += [(name, definition) for name in names]
    return found


def changed(before: RequestState | None, after: RequestState) -> bool:
    """Whether an update has news: a derived fact, a due time, a breach or the status."""
    if before is None or not before.decisions:
        return True
    return (
        before.derived != after.derived
        or before.status is not after.status
        or (before.clocks != after.clocks and deadlines(before.clocks) != deadlines(after.clocks))
    )


def deadlines(clocks: Mapping[str, ClockState]) -> dict[str, tuple[datetime | None, bool]]:
    return {name: (clock.due, clock.breached) for name, clock in clocks.items() if clock.phase is ClockPhase.RUNNING}


def update(context: EffectContext) -> Effect:
    payload = {**context.summary, **due_times(context), "because": context.reasons}
    flags = [f"{flag.code}: {flag.message}" for flag in context.flags if flag.code in LASTING_FLAGS]
    if flags:
        payload["flags"] = flags
    return Effect(kind=EffectKind.UPDATE_REQUEST, key=UPDATE, supersedes=UPDATE, payload=payload)


def due_times(context: EffectContext) -> dict[str, Value]:
    """`due.<clock>` of every running clock, the clock due first, and the breached clocks."""
    clocks = context.after.clocks
    running = sorted([(c.due, c.name) for c in clocks.values() if c.due is not None and c.phase is ClockPhase.RUNNING])
    times: dict[str, Value] = {f"due.{name}": context.local(due, clocks[name]) for due, name in running}
    if running:
        name = running[0][1]
        times |= {"next_due": times[f"due.{name}"], "next_due_clock": name}
    times["breached"] = sorted([c.name for c in clocks.values() if c.breached])
    return times
