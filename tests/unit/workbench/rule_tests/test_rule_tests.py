"""Rule tests: what passes, what fails with which words, and how cases are written."""

import pytest

from answerby.engine.memory.steps import RememberingSteps
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.loader import load_suites
from tests.kit.rulebooks import OFFICE, compiled, write

NOW = 'now: "2026-03-02T10:00:00+08:00"\n'


@pytest.fixture
def run(tmp_path):
    """Writes a test file, and shared fixtures where given; returns what became of each case."""
    rules = write(tmp_path / "rules", OFFICE)
    rulebook = compiled(OFFICE, "durable")

    def outcomes(text, shared="", language="en"):
        folder = rules / "deep"
        folder.mkdir()
        (folder / "some_test.yaml").write_text(NOW + text, encoding="utf-8")
        if shared:
            (rules / "fixtures_test.yaml").write_text(shared, encoding="utf-8")
        suites = load_suites(rulebook, rules)
        assert [str(found) for found in suites.diagnostics] == []
        return [run_case(RememberingSteps(rulebook), located, language) for located in suites.cases]

    yield outcomes
    rulebook.matcher.close()


def differences(outcomes):
    return {outcome.located.case.name: outcome.differences for outcome in outcomes}


def test_a_case_that_holds_has_no_differences(run):
    (outcome,) = run("""
cases:
  - name: safety
    given: {text.body: 起火}
    expect:
      priority: P0
      tags: [safety]
      decided_by: [danger-p0, alarm]
      due.first_response: "2026-03-02T02:15:00Z"
      due.blocked: none
      clock.first_response: running
      clock.blocked: none
      notified: [guard]
      opened: recall
      tasks: []
      status: open
      number_prefix: 202603-LAB
      flags: []
      missing: [contact.name, order.number]
      explanation: [people may be hurt, 由规则决定]
      text.body: 起火
      channel: other
""")
    assert (outcome.differences, outcome.why) == ([], "")


def test_a_difference_names_expected_actual_and_why(run):
    (outcome,) = run(
        """
cases:
  - {name: wrong, given: {text.body: complaint}, expect: {priority: P0, tags: [calm], category: complaint}}
""".replace("calm", "asks")
    )
    assert outcome.differences == ["priority: expected P0, got P2", "tags: expected [asks], got [angry]"]
    assert "complaint [classification.yaml:3] angry words" in outcome.why
    assert (
        "nearest: danger-p0 [priority.yaml:3] gives priority P0, but it needs tags has safety (is angry)" in outcome.why
    )
    assert (outcome.located.file, outcome.located.line) == ("deep/some_test.yaml", 4)


def test_why_is_said_in_chinese_too(run):
    (outcome,) = run("cases:\n  - {name: x, given: {devices: 100}, expect: {priority: P1}}\n", language="zh")
    assert outcome.differences == ["priority：期望 P1，实际 P0"]
    assert "由规则决定" in outcome.why
    assert "最接近的规则：third-complaint [priority.yaml:5]" in outcome.why


@pytest.mark.parametrize(
    ("given", "expect", "said"),
    [
        ("text.body: complaint", "category: {not: complaint}", "category: expected not complaint, got complaint"),
        ("text.body: complaint", "category: {not: [question, unclassified]}", ""),
        ("text.body: complaint", "not: {category: [complaint, question]}", "category: expected not complaint or question, got complaint"),
        ("text.body: complaint", "not: {category: question, decided_by: danger, notified: guard, tags: [safety]}", ""),
        ("text.body: 起火", "not: {notified: guard}", "notified: expected not [guard], got [guard]"),
        ("text.body: 起火", "tags: {has: safety}", ""),
        ("text.body: 起火投诉", "tags: {has: [safety], not: angry}", "tags: expected not [angry], got [angry, safety]"),
        ("devices: 100", "priority: {at_least: P1}", ""),
        ("devices: 100", "priority: {at_most: P1}", "priority: expected at_most P1, got P0"),
        ("devices: 5", "devices: {at_least: 6}", "devices: expected at_least 6, got 5"),
        ("devices: 5", "order.number: {is: missing}", ""),
        ("devices: 5", "order.number: {is: present}", "order.number: expected is present, got nothing"),
        ("devices: 5", "decided_by: vip-p1", "decided_by: expected has [vip-p1], got [name-needed, normal]"),
        ("text.body: 起火 投诉", "decided_by: complaint, matched: complaint", ""),
        ("devices: 5", "status: {not: open}", "status: expected not open, got open"),
        ("devices: 5", "number_prefix: 202604-DSK", "number_prefix: expected 202604-DSK, got 202603-DSK"),
        ("devices: 5", "due.first_response: 4h", ""),
        ("devices: 5", "due.first_response: {within: 4h, calendar: always}", ""),
        ("devices: 5", "due.first_response: 5h", "due.first_response: expected 2026-03-02T15:00:00+08:00 (5h office), got 2026-03-02T14:00:00+08:00"),
        ("devices: 5", "due.blocked: 2h", "due.blocked: expected 2h office, got none"),
        ("devices: 5", "due.first_response: none", "due.first_response: expected none, got 2026-03-02T14:00:00+08:00"),
        ("devices: 5", "not: {due.first_response: none}", ""),
        ("devices: 5", "clock.first_response: met", "clock.first_response: expected met, got running"),
        ("devices: 5", "no_effects: true", ""),
        ("text.body: 起火", "no_effects: true", "no_effects: expected no effects, got notify guard alarm (urgent); open_case recall (urgent)"),
        ("text.body: 起火", "no_effects: [{kind: notify, role: guard}]", "no_effects: expected none of kind notify, role guard, got notify guard alarm (urgent)"),
        ("text.body: 起火", "effects: [{kind: notify, template: alarm, urgent: true, acknowledge: true, text: 安全}, {case: recall}]", ""),
        ("text.body: 起火", "effects: [{kind: notify, count: 2}]", "effects: expected kind notify, count 2, got notify guard alarm (urgent)"),
        ("text.body: 起火", "effects: [{kind: update_request, count: 1}, {count: 3}]", ""),
        ("devices: 5", "effects: [{kind: notify}]", "effects: expected kind notify, got nothing"),
        ("text.body: 起火", "explanation: 天下太平", 'explanation: expected has "天下太平", got nothing like it'),
        ("text.body: 起火", "not: {explanation: safety outranks all}", 'explanation: expected not "safety outranks all", got the text'),
        ("override.priority: P1", "priority: P1", ""),
        ("channel: {raw: pigeon}", "flags: UNKNOWN_VALUE", ""),
    ],
)  # fmt: skip
def test_every_expectation_holds_or_says_what_differs(run, given, expect, said):
    (outcome,) = run(f"cases:\n  - {{name: x, given: {{{given}}}, expect: {{{expect}}}}}\n")
    assert outcome.differences == ([said] if said else [])


def test_time_passes_and_timers_fire_in_between(run):
    (outcome,) = run("""
cases:
  - name: nobody answers
    given: {customer.tier: vip}
    then_after:
      2h: {notified: [clerk], breached: []}
      4h: {notified: [clerk, chief], priority: P0, breached: [first_response], clock.first_response: breached}
      4h25m: {effects: [{template: breach, count: 3}]}
    then_at:
      "2026-03-02T11:59:59+08:00": {notified: []}
      "2026-03-02T12:00:00+08:00": {notified: [clerk], effects: [{template: warn, clock: first_response, count: 1}]}
""")
    assert outcome.differences == []


def test_a_difference_says_when(run):
    (outcome,) = run("""
cases:
  - name: nobody answers
    given: {customer.tier: vip}
    then_after: {2h: {notified: [chief]}}
    then_at: {"2026-03-02T11:00:00+08:00": {notified: chief}}
""")
    assert outcome.differences == [
        "at 2026-03-02T11:00:00+08:00: notified: expected [chief], got []",
        "after 2h: notified: expected [chief], got [clerk]",
    ]
    assert "effects since the last event: update_request; notify clerk warn first_response" in outcome.why


def test_events_follow_one_another_each_with_its_own_expectations(run):
    (outcome,) = run("""
cases:
  - name: answered in time
    events:
      - {facts: {text.body: hello}, expect: {clock.first_response: running, priority: P1}}
      - {type: request.on_hold, at: "2026-03-02T11:00:00+08:00", actor: agent, expect: {clock.first_response: paused}}
      - {type: request.resumed, after: 1h, expect: {due.first_response: "2026-03-02T15:00:00+08:00"}}
      - {type: request.replied, after: 1h, actor: agent}
    expect: {breached: [], clock.first_response: met}
    then_after: {48h: {notified: []}}
""")
    assert outcome.differences == ["event 1 (request.received): priority: expected P1, got P2"]


def test_several_requests_are_counted_together(run):
    (outcome,) = run("""
cases:
  - name: the third complaint of a customer within a day
    events:
      - {request: first, facts: {customer.id: C-1, text.body: 投诉}}
      - {request: other, facts: {customer.id: C-2, text.body: 投诉}}
      - {request: praise, facts: {customer.id: C-1, text.body: 请问}}
      - {request: second, after: 23h, facts: {customer.id: C-1, text.body: 投诉}, expect: {customer.complaints_24h: 2}}
      - {request: third, after: 1h, facts: {customer.id: C-1, text.body: 投诉}}
      - {request: fourth, after: 1s, facts: {customer.id: C-1, text.body: 投诉}}
    expect:
      customer.complaints_24h: 3
      priority: P1
      requests:
        third: {customer.complaints_24h: 3, priority: P1}
        first: {customer.complaints_24h: 1, not: {decided_by: third-complaint}}
""")
    assert outcome.differences == []


def test_counts_of_requests_outside_the_case_are_added(run):
    (outcome,) = run("""
cases:
  - name: the third
    windows: {customer.complaints_24h: 1}
    events:
      - {request: one, facts: {customer.id: C-1, text.body: 投诉}}
      - {request: two, facts: {customer.id: C-1, text.body: 投诉}}
    expect: {requests: {one: {priority: P2}, two: {priority: P1}, }}
""")
    assert outcome.differences == []


def test_a_matrix_makes_a_case_of_every_combination(run):
    outcomes = run("""
cases:
  - name: vip first
    matrix: {channel: [web, phone], devices: [1, 100]}
    given: {customer.tier: vip, channel: {channel}, devices: "{devices}", text.body: "via {channel}: {{ok}}"}
    expect: {priority: P1, channel: "{channel}", text.body: "via {channel}: {{ok}}"}
""")
    wrong = ["priority: expected P1, got P0"]
    assert differences(outcomes) == {
        "vip first [channel=web, devices=1]": [],
        "vip first [channel=web, devices=100]": wrong,
        "vip first [channel=phone, devices=1]": [],
        "vip first [channel=phone, devices=100]": wrong,
    }
    assert outcomes[1].located.case.parameters == {"channel": "web", "devices": "100"}


def test_examples_give_the_expected_value_of_each_row(run):
    outcomes = run("""
cases:
  - name: "{tier} with {devices} devices is {priority}"
    examples:
      - [tier, devices, priority]
      - [standard, 1, P2]
      - [vip, 99, P1]
      - [vip, 100, P1]
    given: {customer.tier: "{tier}", devices: "{devices}"}
    expect: {priority: "{priority}"}
  - name: by words
    examples:
      - {text: 起火, expect: {opened: recall, priority: P0}}
      - {text: 请问}
    given: {text.body: "{text}"}
    expect: {priority: P2}
""")
    assert differences(outcomes) == {
        "standard with 1 devices is P2": [],
        "vip with 99 devices is P1": [],
        "vip with 100 devices is P1": ["priority: expected P1, got P0"],
        "by words [text=起火]": [],
        "by words [text=请问]": [],
    }


def test_fixtures_are_merged_and_may_be_shared(run):
    (outcome,) = run(
        """
fixtures:
  angry-vip: {use: [vip, furious], devices: 7}
  furious: {text.body: furious, channel: web}
cases:
  - name: merged
    given: {use: angry-vip, channel: phone}
    expect: {customer.tier: vip, devices: 7, category: complaint, channel: phone, order.number: A-1}
""",
        shared="fixtures:\n  vip: {customer.tier: vip, order.number: A-1, channel: other}\n",
    )
    assert outcome.differences == []


def test_what_cannot_be_decided_fails_its_case(run):
    (outcome,) = run(
        'cases:\n  - {name: x, now: "2199-12-31T23:00:00+00:00", given: {devices: 1}, expect: {priority: P2, flags: []}}\n'
    )
    assert outcome.differences == ["flags: expected [], got [CALENDAR_YEAR_MISSING]"]
