"""The firing of timers: the step that a due timer fires, and its changes to the request before the rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from answerby.domain.clock import ClockPhase, ClockState, TimerPurpose
from answerby.domain.decision import Flag
from answerby.domain.event import Event, EventType, Value
from answerby.domain.ladder import Ladder
from answerby.domain.request import RequestState
from answerby.domain.timer_event import DELAY_SECONDS, timer_id
from answerby.engine.clocks.acknowledgements import lapsed
from answerby.engine.clocks.firing import Firing
from answerby.engine.clocks.ladder_acts import apply_acts
from answerby.engine.clocks.missed_reminders import catch_up_at
from answerby.engine.clocks.reach import migrates, migrates_clock
from answerby.engine.facts.plan import FactPlan
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.clocks import LIVE
from answerby.sla.quiet_hours import quiet_until

# Looked up once: see answerby.sla.unchanged.
_TIMER_DUE: Final = EventType.TIMER_DUE
_RUNNING: Final = ClockPhase.RUNNING
_STEP: Final = TimerPurpose.STEP
_DUE: Final = TimerPurpose.DUE
NO_LADDER: Final = Ladder(id="", steps=())
"""The ladder of a due time's timer, which climbs none."""
REASSIGNABLE = ("department", "role")


def ladders_in_force(rulebook: Rulebook, request: RequestState, event: Event) -> Mapping[str, Ladder]:
    """The ladders that count for the request, by id.

    A ladder in use stays as it was when its clock began, unless a rule change is to reach it.
    """
    if not request.ladders:
        return rulebook.ladders
    reached: set[str] = set()
    if migrates(event):
        reached = {clock.ladder for clock in request.clocks.values() if migrates_clock(event, clock.name)}
    current = rulebook.ladders
    # The usual case: the request's ladders are those of the active rules.
    if not reached and all(current.get(name) is ladder for name, ladder in request.ladders.items()):
        return current
    kept = {
        name: ladder
        for name, ladder in request.ladders.items()
        if name not in reached and (name not in current or current[name].on_rule_change == "keep")
    }
    return {**current, **kept}


def ladders_in_use(ladders: Mapping[str, Ladder], clocks: Mapping[str, ClockState]) -> dict[str, Ladder]:
    """The ladders of live clocks, which the request keeps."""
    names = {clock.ladder for clock in clocks.values() if clock.phase in LIVE}
    return {name: ladders[name] for name in sorted(names) if name in ladders}


def firing_of(
    rulebook: Rulebook, ladders: Mapping[str, Ladder], request: RequestState, event: Event, moment: datetime
) -> Firing | None:
    """The firing of a timer event; None when its clock stopped, was re-targeted or acknowledged since."""
    if event.type != _TIMER_DUE:
        return None
    timer = request.timers.get(timer_id(event))
    if timer is None or timer.fired or timer.due != event.time:
        return None
    clock = request.clocks.get(timer.clock)
    if clock is None or clock.phase is not _RUNNING or clock.cycle != timer.cycle:
        return None
    delay = _seconds(event.data.get(DELAY_SECONDS, 0))
    if timer.purpose is _DUE:
        return Firing(timer, clock, NO_LADDER, None, delay, None)
    ladder = ladders.get(clock.ladder)
    # A timer of an earlier round is stale, as its steps have timers of the new round.
    if ladder is None or clock.round != timer.round:
        return None
    step = None
    if timer.purpose is _STEP:
        if timer.step >= len(ladder.steps):
            return None
        step = ladder.steps[timer.step]
    if timer.purpose is not TimerPurpose.LAPSE and _chain_has_ended(request, ladder, clock):
        return None
    quiet = quiet_until(ladder.quiet_hours, rulebook.calendars, moment) if step is not None else None
    return Firing(
        timer,
        clock,
        ladder,
        step,
        delay,
        quiet,
        catch_up_at(ladders, request, event, timer, quiet or moment, moment) if step is not None else None,
    )


def _seconds(value: Value) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _chain_has_ended(request: RequestState, ladder: Ladder, clock: ClockState) -> bool:
    """Whether an acknowledgement of the clock's alarms has ended its ladder."""
    if not request.answers or ladder.on_acknowledgement != "stop_chain":
        return False
    answer = request.answers.get(clock.name)
    return answer is not None and answer.counts_for(clock)


def is_stale(firing: Firing | None, event: Event) -> bool:
    return event.type == EventType.TIMER_DUE and firing is None


def apply_firing(
    plan: FactPlan, request: RequestState, firing: Firing | None, moment: datetime
) -> tuple[RequestState, list[Flag]]:
    """The request after the firing, before the rules: a raised priority, another owner, another round. And flags."""
    if firing is None:
        return request, []
    request, flags = apply_acts(plan, request, firing)
    if firing.timer.purpose is TimerPurpose.LAPSE:
        request = lapsed(request, firing.clock.name)
        return begin_round(request, firing.clock, moment, 0), flags
    if firing.timer.purpose is TimerPurpose.ROUND and firing.ladder.rounds is not None:
        return begin_round(request, firing.clock, moment, firing.ladder.rounds.from_step), flags
    return request, flags


def begin_round(request: RequestState, clock: ClockState, moment: datetime, step: int) -> RequestState:
    in_round = msgspec.structs.replace(
        clock, round=clock.round + 1, round_started=moment, round_from=step, round_due=clock.due
    )
    return msgspec.structs.replace(request, clocks={**request.clocks, clock.name: in_round})
