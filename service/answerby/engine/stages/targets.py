"""Clock targets among the outputs of stages, and the ladders that rules give to clocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from answerby.domain.clock import Target
from answerby.rules.model.rulebook import Output, Rule, Rulebook
from answerby.sla.clock_inputs import ClockTarget

SLA_PREFIX = "sla."


LADDER_PREFIX = "ladder."


def clock_targets(
    rulebook: Rulebook, outputs: Mapping[str, Output], setters: Mapping[str, Rule]
) -> dict[str, ClockTarget]:
    """The targets in the outputs of a stage, by clock. `setters` are the rules that won each output."""
    targets = {}
    for name, value in outputs.items():
        if not name.startswith(SLA_PREFIX) or not isinstance(value, Target):
            continue
        clock = name.removeprefix(SLA_PREFIX)
        definition = rulebook.clocks[clock]
        target = value if value.calendar else msgspec.structs.replace(value, calendar=definition.calendar)
        rule = setters[name].id if name in setters else "default"
        targets[clock] = ClockTarget(target, rule, definition.ladder, rulebook.revision)
    return targets


def safe_targets(rulebook: Rulebook) -> dict[str, Target]:
    """The targets of the safe side of stage sla, by clock."""
    return {
        name.removeprefix(SLA_PREFIX): value
        for stage in rulebook.stages
        for name, value in stage.on_error.items()
        if name.startswith(SLA_PREFIX) and isinstance(value, Target)
    }


def take_ladders(targets: dict[str, ClockTarget], names: Iterable[str], outputs: Mapping[str, Output]) -> None:
    """Replaces, in place, the ladders of targets by those in the outputs with these names."""
    for name in names:
        clock = name.removeprefix(LADDER_PREFIX)
        if name in outputs and clock in targets:
            targets[clock] = targets[clock]._replace(ladder=str(outputs[name]))
