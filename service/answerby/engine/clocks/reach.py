"""The reach of a rule change: which running clocks keep the target of an earlier revision."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.clock import definition_id
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.condition import atoms
from answerby.domain.event import Event, EventType, Value
from answerby.domain.ladder import OnRuleChange
from answerby.domain.request import RequestState
from answerby.engine.case import Case
from answerby.engine.clocks.inputs import Inputs
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.clock_inputs import ClockTarget
from answerby.sla.clocks import LIVE, definition_of

MIGRATE = "rulebook.migrate"
"""Fact of a `rulebook.activated` event: running clocks take the targets of the active rules."""

MIGRATE_CLOCKS = "rulebook.clocks"
"""Fact beside `rulebook.migrate`: only the clocks with these names or definitions."""


def target_fields(rulebook: Rulebook) -> tuple[str, ...]:
    """The fields on which targets and ladders depend, with the parts of composite texts, sorted."""
    fields = rulebook.vocabulary.fields
    found: set[str] = set()
    for stage in rulebook.stages:
        for rule in stage.rules:
            if stage.name == "sla" or any(name.startswith("ladder.") for name in rule.then):
                found |= {atom.field for atom in atoms(rule.when)}
    return tuple(sorted(found | {part for name in found if name in fields for part in fields[name].parts}))


def keep_targets(
    case: Case, inputs: Inputs, derived: Mapping[str, Value], targets: Mapping[str, ClockTarget]
) -> Mapping[str, ClockTarget]:
    """The targets, where clocks that run on a target of an earlier revision keep it.

    A change of a fact on which targets depend ends that for the whole request. `derived` are the facts that the rules
    derive now.
    """
    compiled, state, request, event = case.compiled, case.state, inputs.request, inputs.event
    rulebook = compiled.rulebook
    revision = rulebook.revision
    old = [clock for clock in request.clocks.values() if clock.revision != revision and clock.phase in LIVE]
    if not old or state is None:
        return targets
    if migrates(event):
        old = [clock for clock in old if not migrates_clock(event, clock.name)]
    if not old or facts_changed(compiled.target_fields, state, request, derived):
        return targets
    kept = {
        clock.name: ClockTarget(clock.target, clock.rule, clock.ladder, clock.revision)
        for clock in old
        if clock.revision and keeps(definition_of(rulebook.clocks, clock.name))
    }
    return {**targets, **kept} if kept else targets


def migrates(event: Event) -> bool:
    """Whether the event moves running clocks to the active rules."""
    return event.type == EventType.RULEBOOK_ACTIVATED and event.data.get(MIGRATE) is True


def migrates_clock(event: Event, name: str) -> bool:
    """Whether the event moves this clock to the active rules."""
    if not migrates(event):
        return False
    only = event.data.get(MIGRATE_CLOCKS)
    return not isinstance(only, list) or name in only or definition_id(name) in only


def keeps(definition: ClockDefinition | None) -> bool:
    """Whether running clocks of the definition keep the target of an earlier revision."""
    return definition is not None and definition.on_rule_change is OnRuleChange.KEEP


def facts_changed(
    fields: tuple[str, ...], state: RequestState, request: RequestState, derived: Mapping[str, Value]
) -> bool:
    """Whether one of the fields differs between `state` and `request` with the derived facts `derived`."""

    def known(of: RequestState, ours: Mapping[str, Value], field: str) -> object:
        match field:
            case "request.status":
                return of.status
            case "request.reopen_count":
                return of.reopen_count
            case "request.acknowledged":
                return of.acknowledged is not None
        return ours[field] if field in ours else of.given.get(field)

    return any(known(state, state.derived, field) != known(request, derived, field) for field in fields)
