"""What the proofs say of the rules that ship: the safety rules cannot be shadowed, and nothing else is found."""

from dataclasses import replace

import pytest

from answerby.engine.compiler import compile_rulebook
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Block, Rule, Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.severities import Severity
from answerby.workbench.proofs import analyse
from answerby.workbench.proofs.witnessed_findings import prove
from tests.kit.places import RULES

PROTECTED = {
    "safety-fire",
    "safety-electric",
    "safety-injury",
    "safety-substance",
    "safety-reported",
    "safety-words-to-check",
    "safety-needs-batch",
    "safety-is-top-priority",
    "safety-acknowledged",
    "urgent-complaint-response",
    "safety-to-quality",
    "safety-recall",
    "safety-words-read-by-a-person",
}


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    loaded = load_rulebook(RULES).rulebook
    assert loaded is not None
    return loaded


def test_every_safety_rule_is_protected_and_proven(rulebook: Rulebook) -> None:
    assert {rule.id for stage in rulebook.stages for rule in stage.rules if rule.protected} >= PROTECTED
    assert analyse(rulebook).of(Code.NOT_PROTECTED) == ()


def test_nothing_else_is_found_but_a_gap_that_is_meant(rulebook: Rulebook) -> None:
    analysis = prove(compile_rulebook(rulebook, "reference"))
    assert [(f.code, f.block) for f in analysis.findings] == [(Code.GAP, "feature-plan")]
    assert analysis.not_analysable == ()
    assert analysis.unconfirmed == 0


@pytest.mark.parametrize("rule", sorted(PROTECTED - {"safety-is-top-priority"}))
def test_a_rule_put_before_a_safety_rule_is_noticed(rulebook: Rulebook, rule: str) -> None:
    """A rule that matches everything, comes first and gives something else; what is united cannot be lost so."""
    stage = next(s for s in rulebook.stages if any(r.id == rule for r in s.rules))
    target = next(r for r in stage.rules if r.id == rule)
    names = [n for n in target.then if n not in {"tags", "notify", "require"}]
    refused = (
        {f.rules[0] for f in analyse(with_rival(rulebook, target, names)).of(Code.NOT_PROTECTED)} if names else {rule}
    )
    assert rule in refused


def with_rival(rulebook: Rulebook, target: Rule, names: list[str]) -> Rulebook:
    stage = next(s for s in rulebook.stages if s.name == target.stage)
    block = next(b for b in stage.blocks if b.id == target.block)
    given = next(
        (
            r.then[names[0]]
            for s in rulebook.stages
            for r in s.rules
            if r.then.get(names[0], target.then[names[0]]) != target.then[names[0]]
        ),
        "other",
    )
    when = next(r.when for s in rulebook.stages for r in s.rules if r.id == "contact-name-required")
    rival = replace(
        target,
        id="a-rival",
        when=when,
        then={names[0]: given},
        order=(0, 0, "", 0),
        protected=False,
        block="file:rival.yaml",
    )
    rivals = replace(block, id="file:rival.yaml", rules=(rival,))
    stages = tuple(replace(s, blocks=(*s.blocks, rivals)) if s is stage else s for s in rulebook.stages)
    return replace(rulebook, stages=stages)


def test_the_findings_do_not_depend_on_the_order_of_files(rulebook: Rulebook) -> None:
    reversed_stages = tuple(replace(s, blocks=tuple(reversed(s.blocks))) for s in rulebook.stages)
    messages = [(f.code, f.rules[0]) for f in analyse(rulebook).findings]
    assert [(f.code, f.rules[0]) for f in analyse(replace(rulebook, stages=reversed_stages)).findings] == messages


@pytest.mark.parametrize(("row", "lost"), [(1, "urgency: urgent"), (16, "impact: wide")])
def test_a_row_deleted_from_the_priority_table_is_an_error_with_a_request(
    rulebook: Rulebook, row: int, lost: str
) -> None:
    """The default of the stage (P1) would decide such requests in silence."""
    stages = tuple(
        replace(s, blocks=tuple(without(b, f"priority-matrix#{row}") for b in s.blocks)) for s in rulebook.stages
    )
    (found,) = prove(compile_rulebook(replace(rulebook, stages=stages), "reference")).of(Code.INCOMPLETE_TABLE)
    assert found.severity is Severity.ERROR
    assert found.witness is not None
    assert lost in found.region


def without(block: Block, rule: str) -> Block:
    return replace(block, rules=tuple(r for r in block.rules if r.id != rule))
