"""Reminders: decides timers that only send reminders or make a clock late, without running rules and clocks again.

For callers that fire many timers and need the roles, not the texts, such as a backtest. All other timers are left to
decide().
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Timer, TimerPurpose
from answerby.domain.decision import Decision
from answerby.domain.event import INTERNAL_SOURCE
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.clocks.advance import mark_breaches
from answerby.engine.clocks.firing import Firing
from answerby.engine.clocks.ladder_steps import firing_of
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.decide import conclude
from answerby.engine.effects.roles import resolve_roles
from answerby.engine.facts.manual_due import PREFIX
from answerby.engine.history.lifecycle import oddities
from answerby.engine.history.transition import Transition
from answerby.engine.memory.requests import RememberedStepTimers, RememberingRequests
from answerby.engine.stages.stage_results import StageResults
from answerby.sla.clock_inputs import ClockInputs
from answerby.sla.ladders import due_is_planned, next_repeat
from answerby.sla.occasions import ClockEvent
from answerby.sla.unchanged import unchanged_clock

# Looked up once: see answerby.sla.unchanged.
_RUNNING: Final = ClockPhase.RUNNING
_DUE: Final = TimerPurpose.DUE
_planned_by = attrgetter(
    "due",
    "target",
    "started",
    "cycle",
    "pauses",
    "round",
    "round_started",
    "round_from",
    "round_due",
    "counts_from",
    "ladder",
)
"""The parts of a clock on which its timers depend."""


class Reminder:
    """Result of a timer that only sends reminders."""

    def __init__(
        self, case: Case, after: RequestState, results: StageResults, timers: TimerPlan, roles: list[str]
    ) -> None:
        self.after = after
        self.moment = case.moment
        self.timers = timers
        self.roles = roles
        """The roles that get a reminder, once for each message."""
        self._case = case
        self._results = results

    def decision(self) -> Decision:
        """The decision of decide(), without effects."""
        case, results = self._case, self._results
        flags = [*oddities(case.state, case.event), *results.flags]
        change = Transition(self.after, results, None, self.timers, [], [], [])
        return conclude(case, case.moment, change, [], flags)


def reminder(case: Case, memory: RememberingRequests) -> Reminder | None:
    """The result of the case's timer event; None when decide() has to decide it.

    `memory` must be of the same rulebook and have decided the request up to the case's state.
    """
    compiled, state, event, moment = case.compiled, case.state, case.event, case.moment
    if state is None or moment < state.last_event:
        return None
    clocks: dict[str, ClockState] | None = dict(state.clocks)
    # After a reminder, only time has passed: the clocks need no check.
    results = memory.reminder_results(state, moment)
    if results is None:
        results = memory.known(state, event)
        clocks = _clocks_after_reminder(case, state, results, memory) if results is not None else None
    if results is None or clocks is None:
        return None
    firing = firing_of(compiled.rulebook, state.ladders, state, event, moment)
    if firing is None or firing.held_until is not None or firing.timer.spent:
        return None
    step = firing.step
    if step is None and firing.timer.purpose is not _DUE:
        return None
    if step is not None and (step.raise_priority or step.reassign is not None or step.open_case):
        return None
    messages = step.notify if step is not None else ()
    mark_breaches(clocks, moment)
    # As answerby.engine.effects.distinct: a role gets a template once.
    told = dict.fromkeys(
        (message.template, role)
        for message in messages
        for role in resolve_roles(compiled.rulebook, state, message, firing.clock)
    )
    roles = [role for _, role in told]
    timers = _timers(state.timers, firing, clocks, moment)
    after = replace(
        state,
        version=state.version + 1,
        decisions=state.decisions + 1,
        last_event=max(state.last_event, event.time),
        clocks=clocks,
        timers=timers.after,
    )
    memory.keep_reminder(after, results, moment)
    return Reminder(case, after, results, timers, roles)


def _clocks_after_reminder(
    case: Case, state: RequestState, results: StageResults, memory: RememberingRequests
) -> dict[str, ClockState] | None:
    """The clocks, by name, after a timer that only lets time pass.

    None where any next event would change the request, or a clock has to be computed.
    """
    if state.acknowledged is not None or state.merged is not None or state.source.startswith(INTERNAL_SOURCE):
        return None
    given = state.given
    for name, window in case.compiled.windows:
        if name not in state.counts and given.get(window.by) not in (None, "", []):
            return None
    if any(name.startswith(PREFIX) for name in given):
        return None
    return _unchanged_clocks(case, state, results, memory)


def _unchanged_clocks(
    case: Case, state: RequestState, results: StageResults, memory: RememberingRequests
) -> dict[str, ClockState] | None:
    """The clocks, if all are unchanged but for a breach and have the timers of the latest plan; else None."""
    rulebook, event, targets = case.compiled.rulebook, case.event, results.targets
    known, step_timers = memory.steps.unchanged_clocks, memory.step_timers(event.request_id)
    for name in targets:
        if name not in state.clocks and not (name in known.relevant_types and rulebook.clocks[name].start):
            return None
    clock_event = ClockEvent(event.type, event.time.astimezone(UTC), event.actor, state.status, None)
    clocks = {}
    for name, clock in state.clocks.items():
        definition = rulebook.clocks.get(name)
        if definition is None:
            return None
        inputs = ClockInputs(definition, rulebook.calendars, targets.get(name), clock_event, None, value_gone=False)
        same = unchanged_clock(known, clock, inputs)
        if same is None or not _is_planned(step_timers, state.ladders, clock):
            return None
        if not due_is_planned(state.timers, same, case.moment):
            return None
        clocks[name] = same
    return clocks


def _is_planned(step_timers: RememberedStepTimers, ladders: Mapping[str, Ladder], clock: ClockState) -> bool:
    """Whether the clock's timers equal a new plan. After a historical event they may not: it plans none."""
    if clock.phase is not _RUNNING or clock.ladder not in ladders:
        return True
    latest = step_timers.latest.get(clock.name)
    if latest is None:
        return False
    return latest[0] is clock or _planned_by(latest[0]) == _planned_by(clock)


def _timers(
    before: Mapping[str, Timer], firing: Firing, clocks: Mapping[str, ClockState], moment: datetime
) -> TimerPlan:
    """The timers after the firing. A step that repeats is armed once more. A clock is made late once."""
    timer = replace(firing.timer, fired=True)
    after = {**before, timer.id: timer}
    late = [each.id for each in before.values() if each.purpose is _DUE and clocks[each.clock].breached]
    for name in late:
        del after[name]
    cancel = sorted(name for name in late if name != timer.id)
    if firing.step is None:
        return TimerPlan([], cancel, after)
    again = next_repeat(firing.ladder, clocks[timer.clock], timer, moment, acknowledged=False)
    if again is None or again.id in before:
        return TimerPlan([], cancel, after)
    after[again.id] = again
    return TimerPlan([again], cancel, after)
