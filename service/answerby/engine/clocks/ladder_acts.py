"""Acts of ladders: a step raises the priority, or gives the request to others. What a person set by hand stays."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from answerby.domain.decision import Flag
from answerby.domain.ladder import LadderAct
from answerby.domain.request import RequestState
from answerby.engine.clocks.firing import Firing
from answerby.engine.facts.plan import FactPlan
from answerby.engine.stages.ladder_values import PRIORITY, ordered_priorities
from answerby.engine.stages.overrides import is_held
from answerby.rules.model.vocabulary import Vocabulary

LADDER_HELD = "LADDER_HELD"


def apply_acts(plan: FactPlan, request: RequestState, firing: Firing) -> tuple[RequestState, list[Flag]]:
    """The request after the acts of the step that fires, once per step however often it repeats.

    Flags name the acts that a value set by hand keeps from being done.
    """
    step = firing.step
    if step is None or firing.timer.repeat > 0:
        return request, []
    wanted: dict[str, str] = dict(step.reassign.values) if step.reassign is not None else {}
    raised = raised_priority(plan.rulebook.vocabulary, request) if step.raise_priority else ""
    if raised:
        wanted[PRIORITY] = raised
    held = [name for name in wanted if is_held(plan, request.given, name)]
    act = LadderAct(
        firing.ladder.id, firing.timer.step + 1, firing.clock.name, firing.ladder.file, step.line, firing.ladder.because
    )
    flags = [_held(act, name, wanted[name], request) for name in held]
    return _done({name: value for name, value in wanted.items() if name not in held}, act, request), flags


def raised_priority(vocabulary: Vocabulary, request: RequestState) -> str:
    """The next value of the priority, or the highest again; empty where the request has none that can be raised."""
    values = ordered_priorities(vocabulary)
    current = str(request.derived.get(PRIORITY, ""))
    return values[min(values.index(current) + 1, len(values) - 1)] if current in values else ""


def _done(acts: Mapping[str, str], act: LadderAct, request: RequestState) -> RequestState:
    if not acts:
        return request
    owner = {name: value for name, value in acts.items() if name != PRIORITY}
    new = [name for name, value in acts.items() if not _is_given(name, value, request)]
    return msgspec.structs.replace(
        request,
        priority_floor=acts.get(PRIORITY, request.priority_floor),
        reassigned={**request.reassigned, **owner},
        ladder_acts={**request.ladder_acts, **dict.fromkeys(new, act)},
    )


def _is_given(name: str, value: str, request: RequestState) -> bool:
    """Whether an earlier step gave this very value. It is still the one that did."""
    before = request.priority_floor if name == PRIORITY else request.reassigned.get(name)
    return name in request.ladder_acts and before == value


def _held(act: LadderAct, name: str, wanted: str, request: RequestState) -> Flag:
    """Told also where the person wants the same: once the value is cleared, the step is not made up for."""
    step = f"step {act.step} of ladder {act.ladder} (clock {act.clock})"
    present = request.derived.get(name)
    otherwise = f"would make it {wanted}" if present != wanted else "is not done, and wants the same"
    return Flag(LADDER_HELD, f"{name} stays {present}, set by hand; {step} {otherwise}")
