"""Answers of stages: what the rules of a stage come to, before anything is held or set by hand."""

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
    """What a match set comes to under the hit policies: everything of a stage's result that no fact changes."""

    outputs: Mapping[str, Output]
    derived: tuple[tuple[str, Typed | None], ...]
    """The facts for the next stages, in order, as records hold them; None where each record may hold another value."""
    targets: Mapping[str, ClockTarget]
    """By clock."""
    reasons: tuple[str, ...]
    """The words of the rules that won, with their ids."""
    outcome: StageOutcome
    won: list[RuleReference]
    lost: list[RuleReference]
    failed: list[RuleReference]
    facts: tuple[str, ...]
    """The fields that these rules look at, in order."""
    unlike_wire: tuple[str, ...]
    """Those of them whose values look different in a record and as they travel."""
    plain_outputs: Mapping[str, Value]
    """The outputs as explanations show them."""
    flags: tuple[Flag, ...]
    shadow_rules: tuple[ShadowRule, ...] = ()
    """Shadow rules that matched or failed."""


class StageAnswer:
    """What a stage comes to, with the facts that its explanation shows. Shared between decisions: nobody changes it."""

    def __init__(self, settlement: Settlement, facts: dict[str, Value], shadow: list[ShadowMatch]) -> None:
        self.settlement = settlement
        self.facts = facts
        self.shadow = shadow
