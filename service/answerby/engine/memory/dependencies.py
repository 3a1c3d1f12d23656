"""Dependencies: the facts, besides given ones, on which the stages of a rulebook depend."""

from __future__ import annotations

from typing import NamedTuple

from answerby.domain.condition import atoms
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.model.rulebook import CLASSIFICATION, COMPLETENESS, Stage

REQUEST_FIELDS = ("request.status", "request.reopen_count", "request.acknowledged")


class Dependencies(NamedTuple):
    """Whether some rule or score depends on each of these."""

    time: bool
    """The time of the event. Rules that are in force only for a time depend on it too."""
    type: bool
    actor: bool
    events: bool
    """The number of earlier decisions."""
    status: bool
    reopens: bool
    acknowledged: bool


def dependencies_of(compiled: CompiledRulebook) -> Dependencies:
    """The dependencies of the rules, scores and clock conditions of the rulebook."""
    stages = compiled.rulebook.stages
    fields = {atom.field for atom in compiled.plan.atoms}.union(*(fields_of(stage) for stage in stages))
    names = ("event.type", "event.actor", "request.events", *REQUEST_FIELDS)
    dated = any(stage.dated for stage in compiled.stages)
    return Dependencies(dated or "event.time" in fields, *(name in fields for name in names))


def first_stages_depend_on_request(compiled: CompiledRulebook) -> bool:
    """Whether completeness or classification read the state of the request."""
    first = (stage for stage in compiled.rulebook.stages if stage.name in (COMPLETENESS, CLASSIFICATION))
    return any(not fields_of(stage).isdisjoint(REQUEST_FIELDS) for stage in first)


def fields_of(stage: Stage) -> set[str]:
    """The fields that the rules and scores of a stage read."""
    fields = {atom.field for rule in stage.rules for atom in atoms(rule.when)}
    for score in stage.scores:
        fields.update(atom.field for atom in atoms(score.when))
        fields.update(factor.field for factor in score.factors)
        if score.tie_break is not None:
            fields.add(score.tie_break.field)
    return fields
