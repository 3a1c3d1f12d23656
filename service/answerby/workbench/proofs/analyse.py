"""Proofs over a rulebook: what is left open, said twice, never reached or never counted; pure and deterministic."""

from __future__ import annotations

from answerby.domain.condition import Op, atoms
from answerby.rules.model.rulebook import Rule, Rulebook, Stage
from answerby.rules.text.codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.findings.finding import Analysis, Confirm, Finding, trust
from answerby.workbench.proofs.findings.gaps import find_gaps
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.findings.overlaps import find_conflicts, find_overlaps
from answerby.workbench.proofs.findings.protection import check_protected, space_with_errors
from answerby.workbench.proofs.findings.reach import find_unreachable
from answerby.workbench.proofs.findings.redundancy import find_redundant
from answerby.workbench.proofs.findings.winning import find_dead
from answerby.workbench.proofs.space.backchain import Backchain
from answerby.workbench.proofs.space.budget import Budget
from answerby.workbench.proofs.space.derived import domains_of, in_deciding_order
from answerby.workbench.proofs.space.space import Space
from answerby.workbench.proofs.space.view import View

STAGE_BUDGET = 3_000_000
"""Operations of all questions on one stage."""


def analyse(rulebook: Rulebook, confirm: Confirm = trust, budget: int = STAGE_BUDGET) -> Analysis:
    """The findings of every stage, by place.

    `confirm` is asked for each finding with a witness whether evaluating a request made from it shows the finding; one
    that nothing shows is dropped and counted. What is proven for all facts (shadowed, unreachable, ...) stays.
    `budget` counts operations for each stage.
    """
    space = Space([rulebook])
    findings: list[Finding] = []
    open_questions: list[Finding] = []
    unconfirmed = 0
    dead: set[str] = set()
    views: dict[str, View] = {}
    back = Backchain(space, rulebook, views)
    protects = any(rule.protected for stage in rulebook.stages for rule in stage.rules)
    guard = _Guard(rulebook, confirm, budget) if protects else None
    for stage in in_deciding_order(rulebook):
        view = View(space, stage, domains_of(space, rulebook, stage.name, dead))
        views[stage.name] = view
        inquiry = Inquiry(view, Budget(budget), confirm, back)
        inquire(inquiry)
        dead |= {inquiry.rule(n).id for n in inquiry.unreachable}
        findings += inquiry.findings
        if guard is not None:
            findings += guard.check(stage, dead)
        open_questions += _open(inquiry, space)
        unconfirmed += inquiry.unconfirmed
    return Analysis(_sorted(findings), _sorted(open_questions), unconfirmed)


class _Guard:
    """Proves the protected rules, in the space of facts that may be wrong."""

    def __init__(self, rulebook: Rulebook, confirm: Confirm, budget: int) -> None:
        self._rulebook = rulebook
        self._confirm = confirm
        self._budget = budget
        self._space = space_with_errors(rulebook)
        self._views: dict[str, View] = {}
        self._back = Backchain(self._space, rulebook, self._views)

    def check(self, stage: Stage, dead: set[str]) -> list[Finding]:
        view = View(self._space, stage, domains_of(self._space, self._rulebook, stage.name, dead))
        self._views[stage.name] = view
        inquiry = Inquiry(view, Budget(self._budget), self._confirm, self._back)
        check_protected(inquiry, self._rulebook)
        return inquiry.findings


def inquire(inquiry: Inquiry) -> None:
    """All questions on one stage but that on protected rules."""
    find_unreachable(inquiry)
    find_dead(inquiry)
    find_overlaps(inquiry)
    find_gaps(inquiry)
    find_conflicts(inquiry)
    find_redundant(inquiry)


def _open(inquiry: Inquiry, space: Space) -> list[Finding]:
    """What stays open, one finding for each rule."""
    reasons: dict[int, list[str]] = {}
    for number, rule in enumerate(inquiry.contest.rules):
        if why := _opaque(space, rule):
            reasons.setdefault(number, []).append(why)
    for (kind, number), why in inquiry.open.items():
        reasons.setdefault(number, []).append(f"{kind} stays open: {why}")
    found = []
    for number, whys in sorted(reasons.items()):
        rule = inquiry.rule(number)
        message = f"{rule.id} is analysed in part only: {'; '.join(whys)}"
        place = Place(rule.file, rule.line, 1)
        found.append(Finding(Code.NOT_ANALYSABLE, inquiry.contest.stage.name, (rule.id,), place, message))
    return found


def _opaque(space: Space, rule: Rule) -> str:
    if space.is_opaque(rule):
        return "its condition has too many branches, so that nothing is known of when it matches"
    if any(atom.op is Op.MATCHES for atom in atoms(rule.when)):
        return "it uses `matches`, and patterns are not looked into"
    return ""


def _sorted(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.place.file, f.place.line, f.code.value, f.rules, f.message)))
