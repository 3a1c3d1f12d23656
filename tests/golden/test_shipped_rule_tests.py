"""The rules that ship are tested completely: each rule, row and score decides some case; every ladder step fires."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from answerby.domain.condition import AnyOf
from answerby.engine.compiler import compile_rulebook
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Block, Rulebook, RuleMode
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suites
from tests.kit.commands import invoke
from tests.kit.places import RULES


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    done = invoke("test", RULES, "--format", "json", "--fail-under", "100")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_every_case_passes_and_no_file_has_a_mistake(report: dict[str, Any]) -> None:
    assert (report["failed"], report["mistakes"]) == (0, [])
    assert report["passed"] >= 250


def test_every_rule_row_and_score_decides_some_case(report: dict[str, Any]) -> None:
    coverage = report["coverage"]
    assert [f"{rule['file']}:{rule['line']} {rule['id']}" for rule in coverage["rules"] if not rule["covered"]] == []
    assert coverage["percent"] == 100.0
    assert coverage["all"] >= 158
    assert {rule["reach"] for rule in coverage["rules"] if not rule["on_trial"]} == {"decided"}


def test_every_ladder_step_fires_and_every_clock_is_met_missed_and_paused(report: dict[str, Any]) -> None:
    for parts in (report["coverage"]["steps"], report["coverage"]["clocks"]):
        assert parts
        assert {part["name"]: part["lacking"] for part in parts if part["lacking"]} == {}


def test_every_folder_of_rules_has_tests_in_both_languages(report: dict[str, Any]) -> None:
    tested = {case["file"].split("/")[0] for case in report["cases"]}
    assert tested >= {"classification", "completeness", "escalation", "priority", "routing", "sla"}
    names = [case["name"] for case in report["cases"]]
    assert sum(name.isascii() for name in names) > 20
    assert sum(not name.isascii() for name in names) > 100


@pytest.mark.deep
def test_no_rule_can_be_taken_out_without_a_case_that_fails() -> None:
    """A rule whose absence nothing notices is covered, but not tested."""
    rulebook = load_rulebook(RULES).rulebook
    assert rulebook is not None
    cases = load_suites(compile_rulebook(rulebook), RULES).cases
    unnoticed = []
    for rule in (rule for stage in rulebook.stages for rule in stage.rules if rule.mode is RuleMode.LIVE):
        steps = RememberingSteps(compile_rulebook(without(rulebook, rule.id), "reference"))
        if not any(run_case(steps, case).differences for case in cases):
            unnoticed.append(f"{rule.file}:{rule.line} {rule.id}")
    assert unnoticed == []


def without(rulebook: Rulebook, name: str) -> Rulebook:
    """The rulebook with this rule never matching."""

    def changed(block: Block) -> Block:
        return replace(block, rules=tuple(replace(r, when=AnyOf(())) if r.id == name else r for r in block.rules))

    stages = (replace(stage, blocks=tuple(map(changed, stage.blocks))) for stage in rulebook.stages)
    return replace(rulebook, stages=tuple(stages))
