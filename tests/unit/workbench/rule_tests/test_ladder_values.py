"""A value that only a step of a ladder gives may be expected, and a failure names the ladder."""

from __future__ import annotations

import pytest

from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suite_texts
from tests.kit.rulebooks import OFFICE, compiled, variant

# The vocabulary leaves roles open; routing gives `clerk` and `chief`, the ladder alone gives `guard`.
TAKEN_OVER = variant(
    OFFICE,
    vocabulary=OFFICE["vocabulary.yaml"].replace(
        "role: {type: enum, values: [clerk, chief], derived_by: routing}", "role: {type: string, derived_by: routing}"
    ),
    ladders="""
ladders:
  - id: usual
    because: somebody must take over
    steps:
      - {at: 50%, notify: {roles: [owner], template: warn}}
      - {at: 0m, reassign: {department: lab, role: guard}, notify: {roles: [guard], template: breach}}
""",
)


@pytest.fixture(scope="module")
def rulebook():
    return compiled(TAKEN_OVER)


def run(rulebook, body, given="channel: web"):
    text = f'now: "2026-03-02T10:00:00+08:00"\ncases:\n  - name: a\n    given: {{{given}}}\n{body}'
    suites = load_suite_texts(rulebook, [RuleText("a_test.yaml", text, "")])
    outcomes = [run_case(RememberingSteps(rulebook), located) for located in suites.cases]
    return [str(found) for found in suites.diagnostics], outcomes


def test_a_role_that_only_a_ladder_gives_may_be_expected(rulebook):
    # Four hours of the office from 10:00 end at 14:00.
    mistakes, outcomes = run(
        rulebook,
        """\
    expect: {department: desk, role: clerk}
    then_at:
      "2026-03-02T13:59:00+08:00": {department: desk, role: clerk}
      "2026-03-02T14:00:00+08:00": {department: lab, role: guard, notified: {has: guard}}
""",
    )
    assert mistakes == []
    assert [outcome.differences for outcome in outcomes] == [[]]


def test_a_failure_names_the_ladder_that_gives_the_value(rulebook):
    _, (outcome,) = run(rulebook, "    expect: {role: guard}\n")

    assert outcome.differences == ["role: expected guard, got clerk"]
    assert "only a step of the ladder usual gives role guard, and none is in force" in outcome.why


def test_a_role_that_nobody_gives_is_still_a_mistake(rulebook):
    mistakes, outcomes = run(rulebook, "    expect: {role: gaurd}\n")

    assert outcomes == []
    assert mistakes == ['a_test.yaml:5:20 unknown-value no rule gives role the value "gaurd" (did you mean guard?)']


def test_what_decided_may_be_a_ladder_or_a_person(rulebook):
    mistakes, (outcome,) = run(
        rulebook,
        """\
    expect: {decided_by: override.department}
    then_at:
      "2026-03-02T14:00:00+08:00":
        decided_by: [override.department, "ladder.usual#2"]
        department: desk
        role: guard
        flags: [LADDER_HELD]
""",
        "override.department: desk",
    )
    assert mistakes == []
    assert outcome.differences == []


def test_a_step_that_gives_nothing_decides_nothing(rulebook):
    mistakes, _ = run(rulebook, '    expect: {decided_by: "ladder.usual#1"}\n')
    assert mistakes == [
        "a_test.yaml:5:26 test-unknown-rule there is no rule or table row ladder.usual#1 (did you mean ladder.usual#2?)"
    ]


def test_a_failure_names_the_step_that_gave_the_value(rulebook):
    body = '    then_at: {"2026-03-02T14:00:00+08:00": {department: desk}}\n'
    _, (outcome,) = run(rulebook, body)
    assert "routing: department=lab, role=guard (department, role set by a ladder)" in outcome.why
    assert "won: ladder.usual#2 [ladders.yaml:7] somebody must take over (clock first_response)" in outcome.why
