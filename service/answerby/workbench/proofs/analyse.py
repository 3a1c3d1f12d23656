"""Analyses a rulebook stage by stage: gaps, overlaps, conflicts, and rules that never match, win or matter."""

from __future__ import annotations

from answerby.domain.condition import Op, atoms
from answerby.rules.model.rulebook import Rule, Rulebook, Stage
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.findings.dead_rules import find_dead
from answerby.workbench.proofs.findings.finding import Analysis, Confirm, Finding, trust
from answerby.workbench.proofs.findings.gaps import find_gaps, find_incomplete
from answerby.workbench.proofs.findings.lost_targets import find_lost_targets
from answerby.workbench.proofs.findings.overlaps import find_conflicts, find_overlaps
from answerby.workbench.proofs.findings.protected_rules import check_protected, space_with_errors
from answerby.workbench.proofs.findings.redundant_rules import find_redundant
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.findings.unreachable_rules import find_unreachable
from answerby.workbench.proofs.space.backchain import Backchain
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.derived_facts import (
    domains_by_hand,
    domains_of,
    in_deciding_order,
    only_by_ladder,
)
from answerby.workbench.proofs.space.space import Space
from answerby.workbench.proofs.space.stage_view import StageView

STAGE_BUDGET = 3_000_000
"""The operations for all questions on one stage."""


def analyse(rulebook: Rulebook, confirm: Confirm = trust, budget: int = STAGE_BUDGET) -> Analysis:
    """The findings of every stage, by place. Deterministic.

    `confirm` tells whether a request made from the witness of a finding shows the finding. A finding that no request
    shows is dropped and counted, except those proved for all facts, such as shadowed or unreachable rules.
    `budget` is the number of operations for each stage.
    """
    space = Space([rulebook])
    findings: list[Finding] = []
    open_questions: list[Finding] = []
    unconfirmed = 0
    dead: set[str] = set()
    views: dict[str, StageView] = {}
    back = Backchain(space, rulebook, views)
    protects = any(rule.protected for stage in rulebook.stages for rule in stage.rules)
    guard = _Guard(rulebook, confirm, budget) if protects else None
    for stage in in_deciding_order(rulebook):
        by_ladder = only_by_ladder(space, rulebook, stage.name)
        view = StageView(space, stage, domains_of(space, rulebook, stage.name, dead), by_ladder)
        views[stage.name] = view
        analysis = StageAnalysis(view, Budget(budget), confirm, back)
        analyse_stage(analysis)
        if stage.name == "sla":
            find_lost_targets(analysis, rulebook)
        dead |= {analysis.rule(n).id for n in analysis.unreachable}
        findings += analysis.findings
        if guard is not None:
            findings += guard.check(stage, dead)
        if any(block.complete for block in stage.blocks):
            by_hand = StageView(space, stage, domains_by_hand(space, rulebook, stage.name), by_ladder)
            complete = StageAnalysis(by_hand, Budget(budget), confirm, back)
            find_incomplete(complete)
            findings += complete.findings
            open_questions += _open(complete, space)
            unconfirmed += complete.unconfirmed
        open_questions += _open(analysis, space)
        unconfirmed += analysis.unconfirmed
    return Analysis(_sorted(findings), _sorted(open_questions), unconfirmed)


class _Guard:
    """Proves the protected rules, in the space of facts that may be wrong."""

    def __init__(self, rulebook: Rulebook, confirm: Confirm, budget: int) -> None:
        self._rulebook = rulebook
        self._confirm = confirm
        self._budget = budget
        self._space = space_with_errors(rulebook)
        self._views: dict[str, StageView] = {}
        self._back = Backchain(self._space, rulebook, self._views)

    def check(self, stage: Stage, dead: set[str]) -> list[Finding]:
        space, rulebook = self._space, self._rulebook
        by_ladder = only_by_ladder(space, rulebook, stage.name)
        view = StageView(space, stage, domains_of(space, rulebook, stage.name, dead), by_ladder)
        self._views[stage.name] = view
        analysis = StageAnalysis(view, Budget(self._budget), self._confirm, self._back)
        check_protected(analysis, rulebook)
        return analysis.findings


def analyse_stage(analysis: StageAnalysis) -> None:
    """Asks all questions on one stage except that on protected rules."""
    find_unreachable(analysis)
    find_dead(analysis)
    find_overlaps(analysis)
    find_gaps(analysis)
    find_conflicts(analysis)
    find_redundant(analysis)


def _open(analysis: StageAnalysis, space: Space) -> list[Finding]:
    """The open questions, one finding for each rule."""
    reasons: dict[int, list[str]] = {}
    for number, rule in enumerate(analysis.contest.rules):
        if why := _opaque(space, rule):
            reasons.setdefault(number, []).append(why)
    for (kind, number), why in analysis.open.items():
        reasons.setdefault(number, []).append(f"{kind} stays open: {why}")
    found = []
    for number, whys in sorted(reasons.items()):
        rule = analysis.rule(number)
        message = f"{rule.id} is analysed in part only: {'; '.join(whys)}"
        place = Place(rule.file, rule.line, 1)
        found.append(Finding(Code.NOT_ANALYSABLE, analysis.contest.stage.name, (rule.id,), place, message))
    return found


def _opaque(space: Space, rule: Rule) -> str:
    if space.is_opaque(rule):
        return "its condition has too many branches, so that nothing is known of when it matches"
    if any(atom.op is Op.MATCHES for atom in atoms(rule.when)):
        return "it uses `matches`, and patterns are not looked into"
    return ""


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.place.file, f.place.line, f.code.value, f.rules, f.message)))
