"""Schedules in rule tests: they come when a case names them, and what they tell can be expected."""

import pytest

from answerby.engine.memory.steps import RememberingSteps
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suites
from tests.kit.rulebooks import OFFICE, compiled, variant

SCHEDULES = """
schedules:
  - {id: morning, because: x, every: day, at: "09:30", calendar: office, on_holiday: skip, for: request,
     when: {priority: [P2, P1]}, then: {notify: {roles: [chief], template: warn}}}
  - {id: monday, because: x, every: week, on_days: [mon], at: "10:00", calendar: office, on_holiday: next_working_day, for: tenant,
     then: {notify: {roles: [chief], template: breach}, task: {role: chief, template: report}}}
"""
NOW = 'now: "2026-03-06T17:00:00+08:00"\n'  # a Friday


@pytest.fixture
def run(tmp_path):
    rulebook = compiled(variant(OFFICE, schedules=SCHEDULES))

    def outcomes(text):
        (tmp_path / "some_test.yaml").write_text(text, encoding="utf-8")
        suites = load_suites(rulebook, tmp_path)
        return [str(d) for d in suites.diagnostics], [
            run_case(RememberingSteps(rulebook), case).differences for case in suites.cases
        ]

    return outcomes


def test_they_come_on_working_days_and_only_where_they_are_named(run):
    assert run(
        NOW
        + """
schedules: [morning]
cases:
  - name: on Monday, not at the weekend
    given: {text.body: 投诉, customer.id: C-1, contact.name: Kim, order.number: "7"}
    then_at:
      "2026-03-09T09:29:00+08:00": {no_effects: [{kind: notify, role: chief, template: warn}]}
      "2026-03-10T09:31:00+08:00": {effects: [{kind: notify, role: chief, template: warn, count: 2}]}
  - name: another one
    schedules: monday
    given: {text.body: 投诉}
    then_at:
      "2026-03-09T09:59:00+08:00": {no_effects: [{kind: create_task, template: report}]}
      "2026-03-09T10:01:00+08:00": {tasks: {has: [chief]}, effects: [{kind: notify, role: chief, template: breach}]}
      "2026-03-16T10:01:00+08:00": {effects: [{kind: create_task, template: report, count: 2}]}
"""
    ) == ([], [[], []])


def test_without_a_name_none_comes(run):
    assert run(
        NOW
        + """
cases:
  - name: a case about something else
    given: {text.body: 请问}
    then_after: {240h: {no_effects: [{kind: create_task, template: report}]}}
"""
    ) == ([], [[]])


def test_what_is_finished_is_not_told_of_but_counts_for_all(run):
    assert run(
        NOW
        + """
schedules: [morning, monday]
cases:
  - name: done
    events:
      - {facts: {text.body: 请问}}
      - {type: request.closed, after: 1h, actor: agent}
    then_at:
      "2026-03-09T10:01:00+08:00":
        effects: [{kind: create_task, template: report}]
        no_effects: [{kind: notify, template: warn}]
"""
    ) == ([], [[]])


def test_an_unknown_schedule_is_a_mistake_with_a_hint(run):
    ((found,), _) = run(
        NOW
        + """
schedules: mornings
cases: [{name: a, given: {text.body: x}, expect: {status: open}}]
"""
    )
    assert found.startswith("some_test.yaml:3:12 wrong-value")
    assert "morning" in found
