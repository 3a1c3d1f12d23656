"""Protected rules: each must be live, able to match, and keep its outputs wherever it matches."""

from __future__ import annotations

from answerby.rules.model.rulebook import Rule, Rulebook, RuleMode
from answerby.rules.model.vocabulary import Vocabulary
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.protection_proof import ProtectionProof, not_protected
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.budget import OverBudget
from answerby.workbench.proofs.space.space import Space


def space_with_errors(rulebook: Rulebook) -> Space:
    """The space in which given values may be wrong and calendars may lack a year."""
    incomplete = frozenset(name for name, calendar in rulebook.calendars.items() if calendar.years is not None)
    return Space([rulebook], wrong=refusable(rulebook.vocabulary), incomplete=incomplete)


def refusable(vocabulary: Vocabulary) -> frozenset[str]:
    """The fields with values that the vocabulary can refuse, and the texts with such parts."""
    found = {
        name
        for name, field in vocabulary.fields.items()
        if not field.derived_by and field.window is None and not name.startswith(("event.", "request."))
    }
    return frozenset(found | {name for name, field in vocabulary.fields.items() if found.intersection(field.parts)})


def check_protected(analysis: StageAnalysis, rulebook: Rulebook) -> None:
    """Adds a finding for every protected rule of the stage that is not live, cannot match, or can lose an output."""
    for rule in analysis.contest.stage.rules:
        if rule.protected and rule.mode is not RuleMode.LIVE:
            _add_unreached(analysis, rule, "it is a shadow rule (`mode: shadow`), so it decides nothing")
    for number, rule in enumerate(analysis.contest.rules):
        if not rule.protected:
            continue
        try:
            if analysis.find([number]) is None:
                _add_unreached(analysis, rule, "it can never match")
            else:
                ProtectionProof(analysis, number).check(rulebook)
        except OverBudget:
            message = "the proof takes too many combinations of facts"
            analysis.findings.append(not_protected(analysis, number, [], "", message, None))


def _add_unreached(analysis: StageAnalysis, rule: Rule, why: str) -> None:
    analysis.findings.append(
        Finding(
            Code.NOT_PROTECTED,
            analysis.contest.stage.name,
            (rule.id,),
            Place(rule.file, rule.line, 1),
            f"{rule.id} is protected, but {why}",
            "make it match and live, or take `protected` away",
        )
    )
