"""The mistakes of all clocks of a rulebook, as findings."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.condition import ALWAYS, AnyOf, Condition
from answerby.rules.model.rulebook import Rulebook, RuleMode
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.clocks.clock_proof import ClockMistake, ClockProof
from answerby.workbench.proofs.clocks.moments import Moments, moments_of
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.space.box_unions import TooManyBoxes
from answerby.workbench.proofs.space.budget import OverBudget


def clock_findings(rulebook: Rulebook, places: Mapping[str, Place]) -> list[Finding]:
    """The findings about clocks, by clock. `places` are the places of their definitions."""
    targets = {name: _target(rulebook, name) for name in rulebook.clocks}
    conditions = [condition for clock in rulebook.clocks.values() for condition in moments_of(clock)]
    moments = Moments(rulebook, conditions)
    found: list[Finding] = []
    for name, clock in rulebook.clocks.items():
        try:
            mistakes = list(ClockProof(clock, targets[name], moments).mistakes())
        except (OverBudget, TooManyBoxes):
            why = "is analysed in part only: too many combinations of facts"
            mistakes = [ClockMistake(Code.NOT_ANALYSABLE, why, "")]
        for code, message, hint in mistakes:
            found.append(Finding(code, "", (name,), places[name], f"the clock {name} {message}", hint))
    return found


def _target(rulebook: Rulebook, clock: str) -> Condition:
    """The condition under which the clock gets a target; any where no rule gives it one, of which others tell."""
    name = f"{TARGET_PREFIX}{clock}"
    stages = [stage for stage in rulebook.stages if stage.name == "sla" and name not in stage.default]
    rules = [rule for stage in stages for rule in stage.rules if name in rule.then and rule.mode is RuleMode.LIVE]
    return AnyOf(tuple(rule.when for rule in rules)) if rules else ALWAYS
