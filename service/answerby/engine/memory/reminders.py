"""Timers that only remind: what deciding one comes to, without asking the rules, the clocks and the ladders again.

For callers that fire many timers and want to know whom they tell, not in which words, such as a backtest. Whatever is
more than a reminder is left to decide().
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from answerby.domain.clock import ClockPhase, ClockState, Timer
from answerby.domain.decision import Decision
from answerby.domain.event import INTERNAL_SOURCE, Event
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.engine.clocks.ladder_steps import Firing, firing
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import conclude
from answerby.engine.effects.derive import resolve_roles
from answerby.engine.facts.manual_due import PREFIX
from answerby.engine.history.lifecycle import oddities
from answerby.engine.history.transition import Turn
from answerby.engine.memory.drafts import DraftMemory
from answerby.engine.stages.stage_results import Draft
from answerby.sla.ladders import StepTimers, next_repeat
from answerby.sla.occasions import ClockEvent
from answerby.sla.standing import left_alone

# Looked up once: see answerby.sla.standing.
_RUNNING: Final = ClockPhase.RUNNING
_planned_by = attrgetter(
    "due", "target", "started", "cycle", "pauses", "round", "round_started", "round_from", "ladder"
)
"""What the timers of a clock are planned by."""


class Reminder:
    """What a timer comes to that only reminds."""

    def __init__(
        self,
        compiled: CompiledRulebook,
        before: RequestState,
        after: RequestState,
        event: Event,
        moment: datetime,
        draft: Draft,
        timers: TimerPlan,
        roles: list[str],
    ) -> None:
        self.after = after
        self.moment = moment
        self.timers = timers
        self.roles = roles
        """Whom it tells; a role once for each message."""
        self._compiled = compiled
        self._before = before
        self._event = event
        self._draft = draft

    def decision(self) -> Decision:
        """decide()'s, but for its effects."""
        event, draft = self._event, self._draft
        flags = [*oddities(self._before, event, self.moment), *draft.flags]
        turn = Turn(self.after, draft, None, self.timers, [], [], [])
        return conclude(self._compiled, event, self.moment, turn, self.after, [], flags)


def reminder(
    compiled: CompiledRulebook, state: RequestState, event: Event, moment: datetime, memory: DraftMemory
) -> Reminder | None:
    """What the timer of `event` comes to as of `moment`; None when it has to be decided.

    `memory` is of the same rulebook, which has decided the request to be as `state` says.
    """
    # What a reminder has left needs no second look: only time has passed since.
    draft = memory.reminded_of(state)
    if draft is None:
        draft = memory.known(state, event)
        if draft is None or not _undisturbed(compiled, state, draft, memory.steps(event.request_id), event):
            return None
    fired = firing(compiled.rulebook, state.ladders, state, event, moment)
    if fired is None or fired.step is None or fired.held_until is not None:
        return None
    step = fired.step
    if step.raise_priority or step.reassign is not None or step.open_case:
        return None
    clocks = _after(state.clocks, moment)
    roles = [role for told in step.notify for role in resolve_roles(compiled.rulebook, state, told, fired.clock)]
    timers = _timers(state.timers, fired, clocks, moment)
    after = replace(
        state,
        version=state.version + 1,
        decisions=state.decisions + 1,
        last_event=max(state.last_event, event.time),
        clocks=clocks,
        timers=timers.after,
    )
    memory.remind(after, draft)
    return Reminder(compiled, state, after, event, moment, draft, timers, roles)


def _undisturbed(
    compiled: CompiledRulebook, state: RequestState, draft: Draft, planned: StepTimers, event: Event
) -> bool:
    """Whether nothing waits for the next event, whatever it is, and a timer does nothing to clocks but pass time."""
    if state.acknowledged is not None or state.merged is not None or state.source.startswith(INTERNAL_SOURCE):
        return False
    given = state.given
    for name, window in compiled.windows:
        if name not in state.counts and given.get(window.by) not in (None, "", []):
            return False
    if any(name.startswith(PREFIX) for name in given):
        return False
    return _clocks_stand(compiled, state, draft, planned, event)


def _clocks_stand(
    compiled: CompiledRulebook, state: RequestState, draft: Draft, planned: StepTimers, event: Event
) -> bool:
    """Whether a timer leaves all clocks as they are, but for a breach, and their timers are what was planned."""
    rulebook, standing, goals = compiled.rulebook, compiled.standing, draft.goals
    for name in goals:
        if name not in state.clocks and not (name in standing.heeded and rulebook.clocks[name].start):
            return False
    seen = ClockEvent(event.type, event.time.astimezone(UTC), event.actor, state.status, None)
    for name, clock in state.clocks.items():
        definition = rulebook.clocks.get(name)
        if definition is None:
            return False
        alone = left_alone(standing, definition, rulebook.calendars, clock, goals.get(name), seen, None)
        if alone is None or not _is_planned(planned, state.ladders, clock):
            return False
    return True


def _after(clocks: Mapping[str, ClockState], moment: datetime) -> dict[str, ClockState]:
    """The clocks as a timer leaves them: those that have run over are breached."""
    after = dict(clocks)
    for name, clock in clocks.items():
        if clock.phase is _RUNNING and clock.due is not None:
            over = clock.due <= moment
            if over is not clock.breached:
                after[name] = replace(clock, breached=over)
    return after


def _is_planned(planned: StepTimers, ladders: Mapping[str, Ladder], clock: ClockState) -> bool:
    """Whether its timers are what a plan would come to. Those of a historical event are planned at the next."""
    if clock.phase is not _RUNNING or clock.ladder not in ladders:
        return True
    latest = planned.get(clock.name)
    if latest is None:
        return False
    return latest[0] is clock or _planned_by(latest[0]) == _planned_by(clock)


def _timers(
    before: Mapping[str, Timer], fired: Firing, clocks: Mapping[str, ClockState], moment: datetime
) -> TimerPlan:
    """The timer has fired; its step is armed once more, if it repeats."""
    timer = replace(fired.timer, fired=True)
    after = {**before, timer.id: timer}
    again = next_repeat(fired.ladder, clocks[timer.clock], timer, moment, acknowledged=False)
    if again is None or again.id in before:
        return TimerPlan([], [], after)
    after[again.id] = again
    return TimerPlan([again], [], after)
