"""Effects of a late event: its own, and corrections of earlier messages that no longer hold."""

# Stays interpreted: late events are rare.
from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import NamedTuple

from msgspec.structs import replace

from answerby.domain.alert import Alert, CaseAlert, NoticeAlert
from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose
from answerby.domain.decision import Flag
from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import Event, Value
from answerby.domain.message_words import instant_words
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.effects.clock_figures import zone_of
from answerby.engine.effects.derive import (
    UPDATE,
    EffectContext,
    derive_effects,
    open_case,
    rule_notice,
    texts,
    update,
)
from answerby.engine.effects.notices import addressed
from answerby.engine.effects.roles import told_roles
from answerby.engine.stages.stage_results import StageResults
from answerby.rules.model.rulebook import OWNER
from answerby.sla.clocks import definition_of

RETROACTIVE = "RETROACTIVE"
TEMPLATE = "correction"
"""Name of the message template for corrections. Rules may define it; else the texts of `_texts` are used."""


class RequestChange(NamedTuple):
    """A request before and after its history was folded."""

    case: Case
    """The case of the late event, as of the moment of the fold."""
    before: RequestState
    runs: Mapping[str, ClockState]
    """The clocks before, by name. Each has the cycle number that the fold gives its run."""
    fold_timers: Mapping[str, Timer]
    """The timers at the end of the fold, by id."""
    after: RequestState


class OutdatedMessage(NamedTuple):
    """A message that was sent and no longer holds."""

    key: str
    """Key of the effect that sent it."""
    role: str
    facts: dict[str, Value]
    """The message for the payload: its kind (`said`), its template (`said_template`), and details."""
    clock: str = ""
    """Name of the clock that the message was about; empty: of none."""
    urgent: bool = False


def late_effects(
    change: RequestChange, last: StageResults, of_event: StageResults | None
) -> tuple[list[Effect], list[Alert]]:
    """The effects of a late event, and the alerts in force after it.

    `last` are the stage results at the end of the fold. `of_event` are those of the late event itself, None for a
    correction: its rules are followed although other events came after it.
    """
    case, before, after = change.case, change.before, change.after
    compiled, event = case.compiled, case.event
    # A task is made once per cycle of its clock. With the old numbers, a renumbered run would look like a new one.
    renumbered = replace(before, clocks=dict(change.runs))
    effects, alerts = derive_effects(Case(compiled, renumbered, event, case.context, case.moment), after, last, None)
    if event.historical:
        return effects, alerts
    context = EffectContext(compiled, after, {**after.derived, "status": after.status.value}, last.reasons)
    if of_event is not None and of_event is not last:
        effects = [*_effects_of_event(context, of_event, {*before.alerts, *alerts}), *effects]
    moved = clock_changes(compiled, before, after)
    outdated = [*_outdated_steps(change), *_outdated_notices(change, set(alerts)), *_outdated_tasks(change)]
    if moved:
        effects = [effect for effect in effects if effect.key != UPDATE]
        written = update(context)
        effects.append(replace(written, payload={**written.payload, "corrected": moved}))
    return [*effects, *(_correction(change, context, message) for message in outdated)], alerts


def fold_flags(
    compiled: CompiledRulebook, before: RequestState, after: RequestState, event: Event, events: int
) -> list[Flag]:
    """One flag for the fold of so many events, and one for each clock that the fold moved."""
    moved = clock_changes(compiled, before, after)
    time, latest = (_instant(moment, zone_of(compiled)) for moment in (event.time, before.last_event))
    cause = f"{event.type} of {time} was told after one of {latest}"
    if event.time >= before.last_event:
        cause = f"{event.type} of {time} changes what was decided before"
    summary = f"{cause}; {events} events were decided again in the order of their times; "
    summary += f"{len(moved)} clock{'s' if len(moved) > 1 else ''} moved" if moved else "no clock moved"
    return [Flag(RETROACTIVE, summary), *(Flag(RETROACTIVE, line) for line in moved)]


def clock_changes(compiled: CompiledRulebook, before: RequestState, after: RequestState) -> list[str]:
    """The clocks that differ, sorted by name, each as `name: due A -> B; breached no -> yes`."""
    lines = []
    for name in sorted({*before.clocks, *after.clocks}):
        old, new = _shown_state(compiled, before.clocks.get(name)), _shown_state(compiled, after.clocks.get(name))
        changes = [f"{what} {old[what]} -> {new[what]}" for what in new if old[what] != new[what]]
        if changes:
            lines.append(f"{name}: {'; '.join(changes)}")
    return lines


def renumbered_timer(timer: Timer, before: ClockState | None, now: ClockState | None) -> Timer:
    """The timer with the cycle number that its run has now; `before` and `now` are the run's clock."""
    if before is None or now is None or before.cycle == now.cycle or timer.cycle != before.cycle:
        return timer
    rest = timer.id.removeprefix(f"{timer.clock}/{timer.cycle}/")
    return replace(timer, cycle=now.cycle, id=f"{timer.clock}/{now.cycle}/{rest}")


def _shown_state(compiled: CompiledRulebook, clock: ClockState | None) -> dict[str, str]:
    if clock is None:
        return {"phase": "none", "started": "none", "due": "none", "stopped": "none", "breached": "no"}
    zone = zone_of(compiled, clock)
    return {
        "phase": clock.phase.value,
        "started": _instant(clock.started, zone),
        "due": _instant(clock.due, zone),
        "stopped": _instant(clock.stopped, zone),
        "breached": "yes" if clock.breached else "no",
    }


def _instant(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat() if moment is not None else "none"


def _effects_of_event(context: EffectContext, results: StageResults, known: set[Alert]) -> Iterator[Effect]:
    """Notices and the case that the rules ask for at the late event; none that is known from another event."""
    for notice in addressed(context.compiled, context.after, results):
        if not known.issuperset(notice.alerts):
            yield rule_notice(context, notice)
    case = results.outputs.get("open_case")
    if case and CaseAlert(str(case)) not in known:
        yield open_case(context, str(case), results.reasons)


def _outdated_steps(change: RequestChange) -> Iterator[OutdatedMessage]:
    """Messages of ladder steps that would not have fired, had the events come in order."""
    before, rulebook = change.before, change.case.compiled.rulebook
    for timer in sorted(before.timers.values(), key=lambda t: (t.due, t.id)):
        if not timer.firings or timer.purpose is not TimerPurpose.STEP:
            continue
        clock = before.clocks.get(timer.clock)
        known = change.fold_timers.get(renumbered_timer(timer, clock, change.runs.get(timer.clock)).id)
        unsent = timer.deferred_to is not None and timer.deferred_to > change.case.moment
        holds = known is not None and len(known.firings) >= len(timer.firings)
        if clock is None or clock.cycle != timer.cycle or unsent or holds:
            continue
        ladder = before.ladders.get(clock.ladder) or rulebook.ladders.get(clock.ladder)
        if ladder is None or timer.step >= len(ladder.steps):
            continue
        step = ladder.steps[timer.step]
        facts: dict[str, Value] = {"said": "step", "step": timer.step, "repeat": timer.repeat, "case": step.open_case}
        facts["fired"] = timer.firings[-1].astimezone(zone_of(change.case.compiled, clock)).isoformat()
        for notification in step.notify:
            for role in told_roles(rulebook, before, timer, step, notification, clock):
                details = {**facts, "said_template": notification.template}
                yield OutdatedMessage(f"{timer.id}/{role}", role, details, clock.name, notification.urgent)


def _outdated_notices(change: RequestChange, alerts: set[Alert]) -> Iterator[OutdatedMessage]:
    """Notices of rules that no longer ask for them. `alerts` are those in force now."""
    for alert in sorted(set(change.before.alerts) - alerts, key=lambda alert: alert.code):
        if isinstance(alert, NoticeAlert):
            facts: dict[str, Value] = {"said": "notice", "said_template": alert.template}
            yield OutdatedMessage(f"notify/{alert.template}/{alert.role}", alert.role, facts)


def _outdated_tasks(change: RequestChange) -> Iterator[OutdatedMessage]:
    """Tasks of clocks that would never have run, had the events come in order."""
    compiled, before = change.case.compiled, change.before
    for definition in compiled.tasks:
        for name, clock in before.clocks.items():
            if definition_of(compiled.rulebook.clocks, name) is not definition or name in change.after.clocks:
                continue
            role = definition.role
            if role == OWNER:
                role = str(before.derived.get("role") or OWNER)
            facts: dict[str, Value] = {"said": "task", "said_template": definition.task}
            yield OutdatedMessage(f"task/{name}/{clock.cycle}", role, facts, name)


def _correction(change: RequestChange, context: EffectContext, message: OutdatedMessage) -> Effect:
    """The effect that corrects a message for its role."""
    event, name, role = change.case.event, message.clock, message.role
    payload: dict[str, Value] = {**context.summary, **message.facts, "template": TEMPLATE, "event": event.type}
    before, after = change.before.clocks.get(name), change.after.clocks.get(name)
    payload["event_time"] = context.local(event.time, after or before)
    if name:
        payload |= {"clock": name, **_figures(context, "was", before), **_figures(context, "now", after)}
    payload["role_title"] = context.compiled.rulebook.roles.get(role, role)
    payload |= _texts(context, payload, role, after or before)
    key = f"correction/{message.key}"
    return Effect(kind=EffectKind.NOTIFY, key=key, role=role, urgent=message.urgent, payload=payload)


def _figures(context: EffectContext, prefix: str, clock: ClockState | None) -> dict[str, Value]:
    if clock is None:
        return {f"{prefix}.phase": "none"}
    found: dict[str, Value] = {f"{prefix}.phase": clock.phase.value, f"{prefix}.breached": clock.breached}
    for what, moment in (("due", clock.due), ("stopped", clock.stopped)):
        if moment is not None:
            found[f"{prefix}.{what}"] = context.local(moment, clock)
    return found


def _texts(
    context: EffectContext, payload: Mapping[str, Value], role: str, clock: ClockState | None
) -> dict[str, Value]:
    """The texts of a correction: of the template in the rules, or built in."""
    own = texts(context, TEMPLATE, payload, role, clock)
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
    late_en, late_zh = (", late", "，已超时") if payload.get("now.breached") else (", in time", "，按时")
    match phase:
        case ClockPhase.STOPPED:
            en, zh = (_words(payload["now.stopped"], language) for language in ("en", "zh"))
            return f"{clock} was met at {en}{late_en}.", f"{clock} 已于 {zh} 完成{late_zh}。"
        case ClockPhase.RUNNING:
            en, zh = (_words(payload["now.due"], language) for language in ("en", "zh"))
            return f"{clock} is due {en}.", f"{clock} 应于 {zh}。"
        case ClockPhase.PAUSED:
            return f"{clock} is paused.", f"{clock} 已暂停。"
    return f"{clock} does not run.", f"{clock} 不再计时。"


def _words(local: Value, language: str) -> str:
    return instant_words(datetime.fromisoformat(str(local)), language)
