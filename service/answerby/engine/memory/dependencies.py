"""Looks: which facts besides the given ones the stages of a rulebook depend on, known once per rulebook."""

from __future__ import annotations

from typing import NamedTuple

from answerby.domain.condition import atoms
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.model.rulebook import CLASSIFICATION, COMPLETENESS, Stage

REQUEST_FIELDS = ("request.status", "request.reopen_count", "request.acknowledged")


class Dependencies(NamedTuple):
    """Whether some rule or score depends on each of these."""

    time: bool
    """The moment of the event, also by a rule that is in force only for a time."""
    type: bool
    actor: bool
    events: bool
    """How many decisions came before."""
    status: bool
    reopens: bool
    acknowledged: bool


def dependencies_of(compiled: CompiledRulebook) -> Dependencies:
    """What the rules, scores and clock conditions of the rulebook look at."""
    stages = compiled.rulebook.stages
    fields = {atom.field for atom in compiled.plan.atoms}.union(*(fields_of(stage) for stage in stages))
    names = ("event.type", "event.actor", "request.events", *REQUEST_FIELDS)
    dated = any(stage.dated for stage in compiled.stages)
    return Dependencies(dated or "event.time" in fields, *(name in fields for name in names))


def first_stages_depend_on_request(compiled: CompiledRulebook) -> bool:
    """Whether completeness or classification look at what has become of the request."""
    first = (stage for stage in compiled.rulebook.stages if stage.name in (COMPLETENESS, CLASSIFICATION))
    return any(not fields_of(stage).isdisjoint(REQUEST_FIELDS) for stage in first)


def fields_of(stage: Stage) -> set[str]:
    """The fields that a stage looks at."""
    fields = {atom.field for rule in stage.rules for atom in atoms(rule.when)}
    for score in stage.scores:
        fields.update(atom.field for atom in atoms(score.when))
        fields.update(factor.field for factor in score.factors)
        if score.tie_break is not None:
            fields.add(score.tie_break.field)
    return fields
