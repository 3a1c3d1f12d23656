"""Answers of stages: results of the rules alone, before values from ladders or persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from answerby.domain.decision import Flag, RuleReference, ShadowMatch, StageOutcome
from answerby.domain.event import Value
from answerby.engine.facts.coercion import Typed
from answerby.engine.stages.shadow_rules import ShadowRule
from answerby.rules.model.rulebook import Output
from answerby.sla.clock_inputs import ClockTarget


@dataclass(frozen=True, slots=True)
class Settlement:
    """Result of a match set under the hit policies: the part of a stage's result that depends on no fact.

    Shared between decisions. Nobody changes it, nor the lists and mappings in it.
    """

    outputs: Mapping[str, Output]
    derived: tuple[tuple[str, Typed | None], ...]
    """The facts for the next stages, in order, as records hold them. None: the value depends on the record."""
    targets: Mapping[str, ClockTarget]
    """By clock."""
    reasons: tuple[str, ...]
    """The `because` of the rules that won, with their ids."""
    outcome: StageOutcome
    won: list[RuleReference]
    lost: list[RuleReference]
    failed: list[RuleReference]
    facts: tuple[str, ...]
    """The fields that these rules read, in order."""
    unlike_wire: tuple[str, ...]
    """Those of them whose values differ between a record and the wire."""
    plain_outputs: Mapping[str, Value]
    """The outputs as explanations show them."""
    flags: tuple[Flag, ...]
    winners: Mapping[str, frozenset[str]]
    """The ids of the rules that won each output."""
    shadow_rules: tuple[ShadowRule, ...] = ()
    """Shadow rules that matched or failed."""


class StageAnswer:
    """A settlement with the facts that the explanation shows. Shared between decisions; nobody changes it."""

    def __init__(self, settlement: Settlement, facts: dict[str, Value], shadow: list[ShadowMatch]) -> None:
        self.settlement = settlement
        self.facts = facts
        self.shadow = shadow
