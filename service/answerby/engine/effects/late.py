"""Effects of a late event: what it calls for now, and what was said before and no longer holds."""

# Stays interpreted: late events are rare.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.alert import Alert, CaseAlert, NoticeAlert
from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose
from answerby.domain.decision import Flag
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.effects.derive import (
    UPDATE,
    EffectContext,
    addressed,
    derive_effects,
    open_case,
    resolve_roles,
    rule_notice,
    texts,
    update,
)
from answerby.engine.stages.stage_results import StageResults
from answerby.rules.model.rulebook import OWNER
from answerby.sla.clocks import definition_of

RETROACTIVE = "RETROACTIVE"
TEMPLATE = "correction"
"""The message template of corrections, where the rules have one of this name."""


class RequestChange(NamedTuple):
    """A request before and after its history was folded."""

    case: Case
    before: RequestState
    runs: Mapping[str, ClockState]
    """The clocks before, each run under the cycle that it has now."""
    timers: Mapping[str, Timer]
    """The timers as the fold has them."""
    after: RequestState


def late_effects(
    change: RequestChange, last: StageResults, of_event: StageResults | None
) -> tuple[list[Effect], list[Alert]]:
    """The effects and the alerts in force.

    `of_event` are the results for the late event itself: what its rules call for is sent, although other events came
    after it.
    """
    case, before, after = change.case, change.before, change.after
    compiled, event = case.compiled, case.event
    renumbered = replace(before, clocks=dict(change.runs))
    effects, alerts = derive_effects(Case(compiled, renumbered, event, case.context, case.moment), after, last, None)
    if event.historical:
        return effects, alerts
    context = EffectContext(compiled, after, {**after.derived, "status": after.status.value}, last.reasons)
    if of_event is not None and of_event is not last:
        effects = [*_effects_of_event(context, of_event, {*before.alerts, *alerts}), *effects]
    moved = clock_changes(before, after)
    corrections = [*_steps(change, context), *_alerts(change, context, set(alerts)), *_tasks(change, context)]
    if moved:
        effects = [effect for effect in effects if effect.key != UPDATE]
        written = update(context)
        effects.append(replace(written, payload={**written.payload, "corrected": moved}))
    return [*effects, *corrections], alerts


def fold_flags(before: RequestState, after: RequestState, event: Event, events: int) -> list[Flag]:
    """That the history was folded, and what of the clocks moved, one flag for each."""
    moved = clock_changes(before, after)
    cause = f"{event.type} of {event.time.isoformat()} was told after one of {before.last_event.isoformat()}"
    if event.time >= before.last_event:
        cause = f"{event.type} of {event.time.isoformat()} changes what was decided before"
    facts = f"{cause}; {events} events were decided again in the order of their times; "
    head = facts + (f"{len(moved)} clocks moved" if moved else "no clock moved")
    return [Flag(RETROACTIVE, head), *(Flag(RETROACTIVE, line) for line in moved)]


def clock_changes(before: RequestState, after: RequestState) -> list[str]:
    """The clocks that are not as they were, as `name: due A -> B; breached no -> yes`, by name."""
    lines = []
    for name in sorted({*before.clocks, *after.clocks}):
        old, new = _standing(before.clocks.get(name)), _standing(after.clocks.get(name))
        changes = [f"{what} {old[what]} -> {new[what]}" for what in new if old[what] != new[what]]
        if changes:
            lines.append(f"{name}: {'; '.join(changes)}")
    return lines


def renumbered_timer(timer: Timer, before: ClockState | None, now: ClockState | None) -> Timer:
    """The timer under the cycle that its run has now."""
    if before is None or now is None or before.cycle == now.cycle or timer.cycle != before.cycle:
        return timer
    rest = timer.id.removeprefix(f"{timer.clock}/{timer.cycle}/")
    return replace(timer, cycle=now.cycle, id=f"{timer.clock}/{now.cycle}/{rest}")


def _standing(clock: ClockState | None) -> dict[str, str]:
    if clock is None:
        return {"phase": "none", "started": "none", "due": "none", "stopped": "none", "breached": "no"}
    return {
        "phase": clock.phase.value,
        "started": _instant(clock.started),
        "due": _instant(clock.due),
        "stopped": _instant(clock.stopped),
        "breached": "yes" if clock.breached else "no",
    }


def _instant(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else "none"


def _effects_of_event(context: EffectContext, results: StageResults, known: set[Alert]) -> Iterator[Effect]:
    for notice in addressed(context.compiled.rulebook, context.after, results):
        if notice.alert not in known:
            yield rule_notice(context, notice)
    case = results.outputs.get("open_case")
    if case and CaseAlert(str(case)) not in known:
        yield open_case(context, str(case), results.reasons)


def _steps(change: RequestChange, context: EffectContext) -> Iterator[Effect]:
    """Steps of ladders that were told and, as the history is now, would not have been."""
    for timer in sorted(change.before.timers.values(), key=lambda t: (t.due, t.id)):
        if not timer.fired or timer.purpose is not TimerPurpose.STEP:
            continue
        clock = change.before.clocks.get(timer.clock)
        known = change.timers.get(renumbered_timer(timer, clock, change.runs.get(timer.clock)).id)
        unsent = timer.deferred_to is not None and timer.deferred_to > change.case.moment
        if clock is None or clock.cycle != timer.cycle or unsent or (known is not None and known.fired):
            continue
        ladder = change.before.ladders.get(clock.ladder) or context.compiled.rulebook.ladders.get(clock.ladder)
        if ladder is None or timer.step >= len(ladder.steps):
            continue
        step = ladder.steps[timer.step]
        facts: dict[str, Value] = {"said": "step", "step": timer.step, "repeat": timer.repeat, "case": step.open_case}
        facts["fired"] = timer.due.isoformat()
        for notification in step.notify:
            for role in resolve_roles(context.compiled.rulebook, change.before, notification, clock):
                payload = {**facts, "said_template": notification.template}
                yield _correction(change, context, f"{timer.id}/{role}", role, clock.name, payload, notification.urgent)


def _alerts(change: RequestChange, context: EffectContext, alerts: set[Alert]) -> Iterator[Effect]:
    """What rules had told and no longer call for."""
    for alert in sorted(set(change.before.alerts) - alerts, key=lambda alert: alert.code):
        if isinstance(alert, NoticeAlert):
            payload: dict[str, Value] = {"said": "notice", "said_template": alert.template}
            key = f"notify/{alert.template}/{alert.role}"
            yield _correction(change, context, key, alert.role, "", payload, urgent=False)


def _tasks(change: RequestChange, context: EffectContext) -> Iterator[Effect]:
    """Tasks of clocks that, as the history is now, never ran."""
    for definition in context.compiled.tasks:
        for name, clock in change.before.clocks.items():
            if definition_of(context.compiled.rulebook.clocks, name) is not definition or name in change.after.clocks:
                continue
            role = definition.role
            if role == OWNER:
                role = str(change.before.derived.get("role") or OWNER)
            payload: dict[str, Value] = {"said": "task", "said_template": definition.task}
            yield _correction(change, context, f"task/{name}/{clock.cycle}", role, name, payload, urgent=False)


def _correction(
    change: RequestChange,
    context: EffectContext,
    key: str,
    role: str,
    name: str,
    facts: Mapping[str, Value],
    urgent: bool,
) -> Effect:
    before, after = change.before.clocks.get(name), change.after.clocks.get(name)
    payload: dict[str, Value] = {**context.summary, **facts, "template": TEMPLATE, "event": change.case.event.type}
    payload["event_time"] = change.case.event.time.isoformat()
    if name:
        payload |= {"clock": name, **_figures("was", before), **_figures("now", after)}
    payload["role_title"] = context.compiled.rulebook.roles.get(role, role)
    payload |= _texts(context, payload, role)
    return Effect(kind=EffectKind.NOTIFY, key=f"correction/{key}", role=role, urgent=urgent, payload=payload)


def _figures(prefix: str, clock: ClockState | None) -> dict[str, Value]:
    if clock is None:
        return {f"{prefix}.phase": "none"}
    found: dict[str, Value] = {f"{prefix}.phase": clock.phase.value, f"{prefix}.breached": clock.breached}
    for what, moment in (("due", clock.due), ("stopped", clock.stopped)):
        if moment is not None:
            found[f"{prefix}.{what}"] = moment.isoformat()
    return found


def _texts(context: EffectContext, payload: Mapping[str, Value], role: str) -> dict[str, Value]:
    """In the words of the rules' template, or in ours."""
    own = texts(context, TEMPLATE, payload, role)
    if own:
        return own
    number = context.after.number or context.after.request_id
    what = str(payload.get("said_template") or payload.get("said"))
    holds_en, holds_zh = _holds(payload)
    return {
        "text.en": f"Correction, {number}: the message “{what}” no longer holds. {holds_en}".strip(),
        "text.zh": f"更正，{number}：先前的通知“{what}”不再成立。{holds_zh}",
    }


def _holds(payload: Mapping[str, Value]) -> tuple[str, str]:
    clock, phase = payload.get("clock"), payload.get("now.phase")
    if not clock:
        return "", ""
    due, stopped = payload.get("now.due"), payload.get("now.stopped")
    late_en, late_zh = (", late", "，已超时") if payload.get("now.breached") else (", in time", "，按时")
    match phase:
        case ClockPhase.STOPPED:
            return f"{clock} was met at {stopped}{late_en}.", f"{clock} 已于 {stopped} 完成{late_zh}。"
        case ClockPhase.RUNNING:
            return f"{clock} is due {due}.", f"{clock} 应于 {due}。"
        case ClockPhase.PAUSED:
            return f"{clock} is paused.", f"{clock} 已暂停。"
    return f"{clock} does not run.", f"{clock} 不再计时。"
