"""What the diagnostic `told-once` advises tells at each event, and `one-event` is right: the value falls away."""

from __future__ import annotations

from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suite_texts
from tests.kit.rulebooks import OFFICE, compiled, variant

REPLIED = variant(
    OFFICE,
    escalation="""
stage: escalation
rules:
  - {id: each, because: x, when: {event.type: request.customer_replied}, then: {notify: {roles: [guard], template: alarm}}}
""",
    clocks="""
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner}
  - {id: heard, because: told at each, calendar: always, start: [request.customer_replied], reset: [request.customer_replied],
     stop: [request.closed], ladder: tell}
""",
    ladders="""
ladders:
  - {id: tell, because: at once, steps: [{at: 0m, notify: {roles: [chief], template: breach}}]}
""",
    sla="""
stage: sla
rules:
  - {id: normal, because: usual, then: {sla.first_response: 4h, sla.heard: 1s}}
""",
    routing="""
stage: routing
rules:
  - {id: on-create, because: x, when: {event.type: request.received, channel: web}, then: {department: lab}}
""",
)
CASE = """
now: "2026-03-02T10:00:00+08:00"
cases:
  - name: two replies in a row
    events:
      - {facts: {channel: web}, expect: {department: lab}}
      - {type: request.customer_replied, after: 1h, expect: {department: desk, notified: [guard]}}
      - {type: request.customer_replied, expect: {notified: []}}
    then_after: {1m: {notified: [chief]}}
  - name: a reply later on
    events:
      - {facts: {channel: web}}
      - {type: request.customer_replied, after: 1h}
      - {type: request.customer_replied, after: 1h}
    then_after: {1m: {notified: {has: chief}}}
"""


def test_a_rule_tells_once_and_a_clock_tells_each_time():
    rulebook = compiled(REPLIED)
    cases = load_suite_texts(rulebook, [RuleText("a_test.yaml", CASE, "")]).cases

    assert [run_case(RememberingSteps(rulebook), located).differences for located in cases] == [[], []]
