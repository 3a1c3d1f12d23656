"""The standing of one rule in a decision: whether it won, the rules that outranked it, and its failed conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from answerby.domain.condition import All, Atom, Condition, Not
from answerby.domain.decision import RuleReference
from answerby.domain.event import Value
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.stages.hit import in_force
from answerby.rules.model.rulebook import Rule, RuleMode
from answerby.workbench.counterfactual.situation import Situation


class Standing(StrEnum):
    WON = "won"
    OUTRANKED = "outranked"
    """The rule matched, but other rules decided."""
    NOT_MATCHED = "not_matched"
    NOT_EVALUATED = "not_evaluated"
    """A condition of the rule could not be evaluated."""
    NOT_IN_FORCE = "not_in_force"
    """The event lies outside the rule's dates."""
    SHADOW = "shadow"
    """The rule is in shadow mode: it is recorded, but never decides."""


@dataclass(frozen=True, slots=True)
class ConditionStanding:
    """One condition of the rule. `now` is the fact's value. None: it is missing, personal or not of one fact."""

    condition: Condition
    holds: bool | None
    """None: the condition could not be evaluated."""
    now: Value = None


@dataclass(frozen=True, slots=True)
class RuleStanding:
    rule: Rule
    reference: RuleReference
    standing: Standing
    conditions: list[ConditionStanding]
    outranked_by: list[RuleReference]


def rule_standing(situation: Situation, rule_id: str) -> RuleStanding:
    """The rule's standing. The caller has checked its id. Raises StopIteration for an unknown one."""
    compiled = situation.compiled
    rule = next(r for stage in compiled.rulebook.stages for r in stage.rules if r.id == rule_id)
    stage = next(s for s in compiled.stages if s.stage.name == rule.stage)
    explained = next((e for e in situation.base.explanation if e.stage == rule.stage), None)
    ids = {"won": set[str](), "lost": set[str](), "failed": set[str]()}
    if explained is not None:
        for name, references in (("won", explained.won), ("lost", explained.lost), ("failed", explained.failed)):
            ids[name] = {reference.id for reference in references}
    standing = Standing.NOT_MATCHED
    if rule.mode is RuleMode.SHADOW:
        standing = Standing.SHADOW
    elif not in_force(rule, situation.event.time):
        standing = Standing.NOT_IN_FORCE
    elif rule.id in ids["won"]:
        standing = Standing.WON
    elif rule.id in ids["lost"]:
        standing = Standing.OUTRANKED
    elif rule.id in ids["failed"]:
        standing = Standing.NOT_EVALUATED
    outranked_by = []
    if standing is Standing.OUTRANKED and explained is not None:
        outranked_by = [r for r in explained.won if set(r.outputs) & set(rule.then)] or list(explained.won)
    return RuleStanding(
        rule, stage.references[rule.id], standing, list(condition_standings(situation, rule.when)), outranked_by
    )


def condition_standings(situation: Situation, condition: Condition) -> Iterator[ConditionStanding]:
    """The parts of a condition that must all hold."""
    for part in condition.children if isinstance(condition, All) else (condition,):
        holds = compile_condition(part, situation.compiled.plan)(situation.record)
        yield ConditionStanding(part, holds, present_value(situation, part))


def present_value(situation: Situation, condition: Condition) -> Value:
    atom = condition.child if isinstance(condition, Not) else condition
    if not isinstance(atom, Atom) or situation.compiled.rulebook.vocabulary[atom.field].personal:
        return None
    return situation.record.value(atom.field)
