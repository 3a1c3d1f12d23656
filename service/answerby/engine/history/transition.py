"""A transition: the step from a request to the request after one event, without effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from answerby.domain.clock import definition_id
from answerby.domain.decision import Flag
from answerby.domain.event import Event, Value
from answerby.domain.reply_policy import Reply
from answerby.domain.request import RequestState
from answerby.engine.case import Case, EarlierRules
from answerby.engine.clocks import acknowledgements, ladder_steps
from answerby.engine.clocks.firing import Firing
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.clocks.timers import TimerPlan
from answerby.engine.history import merging
from answerby.engine.history.lifecycle import oddities
from answerby.engine.history.steps import Steps
from answerby.engine.stages.stage_results import StageResults
from answerby.sla.clock_inputs import ClockTarget


class Transition(NamedTuple):
    """Result of one event for a request, without effects."""

    after: RequestState
    results: StageResults
    firing: Firing | None
    timers: TimerPlan
    flags: list[Flag]
    clock_flags: list[Flag]
    follow_ups: list[Event]
    reply: Reply | None = None


def transition(case: Case, steps: Steps) -> Transition:
    """Applies the event: life cycle, stages, clocks, timers, in this order."""
    inputs = inputs_of(case)
    request = inputs.request
    results = steps.stages(case, inputs)
    earlier = case.context.earlier_rules
    targets = results.targets if earlier is None else with_earlier_targets(earlier, results.targets)
    clocks, clock_flags = steps.clocks(case, inputs, results, targets)
    timers = steps.timers(case, inputs, clocks)
    after = msgspec.structs.replace(
        request,
        version=request.version + 1,
        decisions=request.decisions + 1,
        derived=results.derived,
        clocks=clocks,
        timers=timers.after,
        ladders=ladder_steps.ladders_in_use(inputs.ladders, clocks),
        counts=inputs.counts,
        handed_over=handed_over(case, inputs, results.derived),
    )
    return Transition(after, results, inputs.firing, timers, inputs.flags, clock_flags, inputs.follow_ups, inputs.reply)


def inputs_of(case: Case) -> Inputs:
    """The request and the event as the rules see them."""
    compiled, event, moment = case.compiled, case.event, case.moment
    state = acknowledgements.with_answers(case.state)
    rulebook = compiled.rulebook
    flags = oddities(state, event)
    applied = merging.apply_event(rulebook, state, event, moment, case.context.follower_ids)
    request = applied.request
    flags += applied.flags
    earlier = case.context.earlier_rules
    ladders = ladder_steps.ladders_in_force(rulebook, request, event) if earlier is None else earlier.ladders
    request, nothing_answered = acknowledgements.acknowledge(rulebook.clocks, ladders, request, event)
    flags += nothing_answered
    firing = ladder_steps.firing_of(rulebook, ladders, request, event, moment)
    if ladder_steps.is_stale(firing, event):
        flags.append(
            Flag(
                "TIMER_STALE",
                "the clock of this timer has stopped or moved, or its ladder was ended by an acknowledgement",
            )
        )
    request, held = ladder_steps.apply_firing(compiled.plan, request, firing, moment)
    flags += held
    counts, follow_ups = counts_of(case, request), applied.follow_ups
    return Inputs(applied.event, request, ladders, firing, counts, flags, follow_ups, applied.messages, applied.reply)


def counts_of(case: Case, request: RequestState) -> dict[str, int]:
    """Number of earlier requests, per window field.

    A request keeps its first count, so that later requests do not change it. It is counted again when the field that
    the window counts by (such as the customer) gets another value.
    """
    state, context = case.state, case.context
    counts = {}
    for name, window in case.compiled.windows:
        if state is not None and name in state.counts and state.given.get(window.by) == request.given.get(window.by):
            counts[name] = state.counts[name]
        elif name in context.windows:
            counts[name] = context.windows[name]
    return counts


def handed_over(case: Case, inputs: Inputs, derived: Mapping[str, Value]) -> dict[str, list[str]]:
    """Who had the request before, by the step that gave it to others; with the step that fires now, if it does."""
    known, state, firing = inputs.request.handed_over, case.state, inputs.firing
    if state is None or firing is None or firing.step is None:
        return known
    before, now = ([str(of.get(name) or "") for name in ladder_steps.REASSIGNABLE] for of in (state.derived, derived))
    return known if before == now or not before[-1] else {**known, firing.timer.id: before}


def with_earlier_targets(earlier: EarlierRules, targets: Mapping[str, ClockTarget]) -> Mapping[str, ClockTarget]:
    """The targets of the active rules, replaced by those kept from an earlier revision."""
    running = {
        name: target for name, target in earlier.targets.items() if definition_id(name) in targets or name in targets
    }
    return {**targets, **running} if running else targets
