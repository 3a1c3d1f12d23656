"""Checks for clocks that never run or are never met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from answerby.domain.clock_definition import AfterCompletion, ClockDefinition, Occasion, Trigger, events_of
from answerby.domain.condition import ALWAYS, Condition
from answerby.domain.event import EventType
from answerby.domain.request import RequestStatus
from answerby.rules.model.rulebook import Stage
from answerby.rules.sections.clocks.excluded_conditions import exclude_each_other
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.text.diagnostic_codes import Code

_FINAL_EVENTS = frozenset({EventType.CLOSED.value, EventType.MERGED.value})


_AFTER_COMPLETION = frozenset({EventType.FEEDBACK_GIVEN.value, EventType.CONFIRMED.value, EventType.RATED.value})


_LIVE_STATUSES = frozenset(s.value for s in RequestStatus if s not in {RequestStatus.CLOSED, RequestStatus.MERGED})


def check_clocks(scope: NameScope, clocks: Mapping[str, ClockDefinition], stages: Iterable[Stage]) -> None:
    """Warns of clocks that can never run, of clocks that can never be met, and of pauses that never come."""
    sla = next((stage for stage in stages if stage.name == "sla"), None)
    for clock in clocks.values():
        place = scope.place_of(NameKind.CLOCK, clock.id)
        if clock.start and all(_only_at_the_end(occasion) for occasion in clock.start):
            message = f"the clock {clock.id} never runs: it starts when the request ends, which cancels every clock"
            scope.report.add(Code.CLOCK_NEVER_RUNS, place, message, "start it at an earlier event")
        elif set(clock.pause_while) >= _LIVE_STATUSES:
            message = f"the clock {clock.id} never runs: it is paused in every status that a live request can have"
            scope.report.add(Code.CLOCK_NEVER_RUNS, place, message, "leave out of `pause_while` when work goes on")
        elif not (clock.stop or clock.cancel or clock.reset or _is_standing(clock.start)):
            message = f"the clock {clock.id} is never met: no event stops it"
            scope.report.add(Code.CLOCK_NEVER_MET, place, message, "add `stop: [request.replied]` or another event")
        elif _only_after_completion(clock):
            message = f"the clock {clock.id} is never met: what stops it follows the completion, which cancels it"
            hint = "write `after_completion: continue`, or start it with `start: [request.completed]`"
            scope.report.add(Code.CLOCK_NEVER_MET, place, message, hint)
        _check_conditions(scope, clock, _target_conditions(sla, clock.id))


def _only_after_completion(clock: ClockDefinition) -> bool:
    """Whether the clock runs from before the completion to an event after it, and does not outlast it."""
    if clock.start or clock.cancel or clock.reset or clock.after_completion is AfterCompletion.CONTINUE:
        return False
    return all(isinstance(occasion, str) and occasion in _AFTER_COMPLETION for occasion in clock.stop)


def _check_conditions(scope: NameScope, clock: ClockDefinition, targets: list[Condition]) -> None:
    """Reports a start that no facts allow or that no target goes with, and a pause that the start excludes."""
    place, fields = scope.place_of(NameKind.CLOCK, clock.id), scope.fields
    starts = [_when(occasion) for occasion in clock.start]
    if starts and all(exclude_each_other(fields, start) for start in starts):
        message = f"the clock {clock.id} never runs: no request meets the conditions of its `start`"
        scope.report.add(Code.CLOCK_NEVER_RUNS, place, message, "let the conditions under `when` agree")
        return
    if starts and targets and all(exclude_each_other(fields, s, t) for s in starts for t in targets):
        message = f"the clock {clock.id} never runs: each rule that gives it a target excludes its `start`"
        scope.report.add(Code.CLOCK_NEVER_RUNS, place, message, "give a target to the requests that start the clock")
        return
    if not _is_standing(clock.start):
        return
    for occasion in clock.pause:
        if all(exclude_each_other(fields, start, _when(occasion)) for start in starts):
            message = f"the clock {clock.id} is never paused by `pause`: its `start` excludes that condition"
            hint = "a clock whose start is a condition ends when the condition does; start it by an event instead"
            scope.report.add(Code.PAUSE_NEVER_HOLDS, place, message, hint)


def _target_conditions(sla: Stage | None, clock: str) -> list[Condition]:
    """The conditions under which the clock gets a target; none where it may always get one."""
    if sla is None or f"{TARGET_PREFIX}{clock}" in sla.default:
        return []
    return [rule.when for rule in sla.rules if f"{TARGET_PREFIX}{clock}" in rule.then]


def _when(occasion: Occasion) -> Condition:
    return occasion.when if isinstance(occasion, Trigger) else ALWAYS


def _only_at_the_end(occasion: Occasion) -> bool:
    events = events_of(occasion)
    return bool(events) and _FINAL_EVENTS.issuperset(events)


def _is_standing(start: tuple[Occasion, ...]) -> bool:
    """Whether all triggers are standing conditions. Such a clock ends by itself when the conditions no longer hold."""
    return bool(start) and all(isinstance(occasion, Trigger) and occasion.standing for occasion in start)
