"""The values that steps of ladders give: a raised priority, another department or role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from answerby.engine.clocks.ladder_steps import REASSIGNABLE
from answerby.engine.stages.ladder_values import PRIORITY, ordered_priorities
from answerby.rules.model.rulebook import Output, Rule, Rulebook, RuleMode, Stage

MOST_REASSIGNMENTS = 200
"""The most reassignments that examples are made of. Departments and roles are few."""


def outputs_for(stage: Stage, name: str, dead: frozenset[str] = frozenset()) -> list[Output]:
    """Every value that the rules, the default and the safe side of the stage may give to the output."""
    found = [rule.then[name] for rule in _live(stage) if name in rule.then and rule.id not in dead]
    return found + [outputs[name] for outputs in (stage.default, stage.on_error) if name in outputs]


def raising_ladders(rulebook: Rulebook) -> list[str]:
    """The ladders with a step that raises the priority."""
    return [name for name, ladder in rulebook.ladders.items() if any(step.raise_priority for step in ladder.steps)]


def reassigning_ladders(rulebook: Rulebook, name: str) -> Iterator[tuple[str, str]]:
    """The ladders with a step that gives the field a value, each with the value."""
    for ladder in rulebook.ladders.values():
        for step in ladder.steps:
            if step.reassign is not None and name in step.reassign.values:
                yield ladder.id, step.reassign.values[name]


def reassignments(rulebook: Rulebook) -> list[Mapping[str, str]]:
    """What steps of ladders can have given a request: the values of one step, or of one after another."""
    steps = [step.reassign.values for ladder in rulebook.ladders.values() for step in ladder.steps if step.reassign]
    found: list[Mapping[str, str]] = [{}]
    for before in found:  # It grows meanwhile.
        for values in steps:
            after = {**before, **values}
            if after not in found and len(found) < MOST_REASSIGNMENTS:
                found.append(after)
    return found


def ladder_values(rulebook: Rulebook, earlier: Iterable[Stage], name: str) -> frozenset[str]:
    """The values that steps of ladders give to the field before a stage is asked. `earlier` are the stages before it.

    An over-approximation: steps of several clocks, rounds and cycles may raise a priority again and again.
    """
    stages = {stage.name for stage in earlier}
    if name == PRIORITY and PRIORITY in stages and raising_ladders(rulebook):
        return frozenset(_raised(rulebook))
    if name in REASSIGNABLE and "routing" in stages:
        return frozenset(value for _, value in reassigning_ladders(rulebook, name))
    return frozenset()


def _raised(rulebook: Rulebook) -> tuple[str, ...]:
    """The priorities above the lowest that the stages give."""
    values = ordered_priorities(rulebook.vocabulary)
    if any(PRIORITY in score.outputs for stage in rulebook.stages for score in stage.scores):
        return values
    given = {str(value) for stage in rulebook.stages for value in outputs_for(stage, PRIORITY)}
    lowest = min((values.index(value) for value in given if value in values), default=len(values))
    return values[lowest + 1 :]


def _live(stage: Stage) -> list[Rule]:
    return [rule for rule in stage.rules if rule.mode is RuleMode.LIVE]
