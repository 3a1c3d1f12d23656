"""Checks for ladder steps that never come, or come together with another step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.ladder import Ladder, Step
from answerby.rules.model.rulebook import Rule, Stage
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.stages.outputs import LADDER_PREFIX, TARGET_PREFIX
from answerby.rules.sections.values.durations import duration_text
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.sla.calendar import ALWAYS


class _LadderTarget(NamedTuple):
    """A target that a clock of the ladder may have, and its source."""

    target: Target
    source: str


def check_ladders(
    scope: NameScope, ladders: Mapping[str, Ladder], clocks: Mapping[str, ClockDefinition], stages: Iterable[Stage]
) -> None:
    """Warns of steps that come with no target and of two steps at one time. Notes steps that some target skips."""
    targets = _ladder_targets(clocks, {stage.name: stage for stage in stages})
    for ladder in ladders.values():
        ladder_targets = targets.get(ladder.id, [])
        places = scope.step_places.get(ladder.id, [])
        for step, place in zip(ladder.steps, places, strict=True):
            _check_step(scope, ladder, step, ladder_targets, place)
        _check_times(scope, ladder, ladder_targets, places)


def _check_step(scope: NameScope, ladder: Ladder, step: Step, targets: list[_LadderTarget], place: Place) -> None:
    skipping = [target for target in targets if _never_comes(step, target.target)]
    if not skipping:
        return
    at = _offset(step)
    longest = max(skipping, key=lambda target: target.target.amount)
    if len(skipping) == len(targets):
        message = f"the step {at} of ladder {ladder.id} never comes: it lies before the clock starts"
        hint = (
            f"the longest target is {_amount(longest.target)} ({longest.source}); write a shorter time, or a percentage"
        )
        scope.report.add(Code.UNREACHABLE_STEP, place, message, hint)
        return
    message = f"the step {at} of ladder {ladder.id} is left out for the target of {_amount(longest.target)}"
    hint = f"{longest.source}; a percentage, such as 75%, comes with every target"
    scope.report.add(Code.SKIPPED_STEP, place, message, hint)


def _check_times(scope: NameScope, ladder: Ladder, targets: list[_LadderTarget], places: list[Place]) -> None:
    seen: dict[object, Place] = {}
    for step, place in zip(ladder.steps, places, strict=True):
        first = seen.setdefault(_time_key(step, targets), place)
        if first is not place:
            message = f"ladder {ladder.id} has two steps at one time: this one and the one in line {first.line}"
            hint = "put both into one step; `notify` takes several roles, or a list"
            scope.report.add(Code.SAME_STEP, place, message, hint)


def _time_key(step: Step, targets: list[_LadderTarget]) -> object:
    """The time of a step. Steps with equal keys come at the same time with every target."""
    if step.percent == 100 or step.offset_seconds == 0 or step.offset_days == 0:
        return 0
    if step.offset_days is not None:
        return f"{step.offset_days}bd"
    if step.percent is None:
        return step.offset_seconds
    wall = {target.target.amount for target in targets if _is_wall(target.target)}
    if len(wall) == 1 and all(_is_wall(target.target) for target in targets):
        return wall.pop() * (step.percent - 100) / 100
    return f"{step.percent}%"


def _never_comes(step: Step, target: Target) -> bool:
    """Whether the step certainly lies before the start of the clock.

    Only targets around the clock give certainty. Closed hours may stretch any other target without limit.
    """
    return step.offset_seconds is not None and _is_wall(target) and -step.offset_seconds > target.amount


def _is_wall(target: Target) -> bool:
    return target.unit is TargetUnit.SECONDS and target.calendar in ("", ALWAYS.id)


def _ladder_targets(
    clocks: Mapping[str, ClockDefinition], stages: Mapping[str, Stage]
) -> dict[str, list[_LadderTarget]]:
    """The targets of the clocks on each ladder, by ladder. The clock or an escalation rule chooses the ladder."""
    ladders: dict[str, set[str]] = {clock.id: {clock.ladder} if clock.ladder else set() for clock in clocks.values()}
    for name, value, _ in _outputs(stages.get("escalation")):
        clock = name.removeprefix(LADDER_PREFIX)
        if name.startswith(LADDER_PREFIX) and clock in ladders and isinstance(value, str):
            ladders[clock].add(value)
    found: dict[str, list[_LadderTarget]] = {}
    for name, value, source in _outputs(stages.get("sla")):
        if isinstance(value, Target):
            for ladder in sorted(ladders.get(name.removeprefix(TARGET_PREFIX), ())):
                found.setdefault(ladder, []).append(_LadderTarget(value, source))
    return found


def _outputs(stage: Stage | None) -> Iterator[tuple[str, object, str]]:
    if stage is None:
        return
    for rule in stage.rules:
        yield from ((name, value, _source_of(rule)) for name, value in rule.then.items())
    for what, outputs in (("default", stage.default), ("safe side", stage.on_error)):
        yield from ((name, value, f"the {what} of {stage.name}") for name, value in outputs.items())


def _source_of(rule: Rule) -> str:
    return f"rule {rule.id}, {rule.file}:{rule.line}"


def _offset(step: Step) -> str:
    seconds = step.offset_seconds or 0
    return f"{'-' if seconds < 0 else '+'}{duration_text(abs(seconds))}"


def _amount(target: Target) -> str:
    return duration_text(target.amount) if target.unit is TargetUnit.SECONDS else f"{target.amount}bd"
