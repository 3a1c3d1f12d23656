"""Rule tests: what passes, what fails with which words, and which files are refused."""

import pytest

from service.engine.rule_tests.runner import run_case
from service.engine.rule_tests.suite import BadSuite, find_suites, read_suite
from tests.unit.engine.small_rules import compiled

NOW = 'now: "2026-03-02T10:00:00+08:00"\n'


@pytest.fixture
def run(tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    rulebook = compiled(rules)

    def outcomes(text):
        (rules / "some_test.yaml").write_text(NOW + text, encoding="utf-8")
        (path,) = find_suites(rules)
        return [run_case(rulebook, located) for located in read_suite(path, rules)]

    yield outcomes
    rulebook.matcher.close()


def test_a_case_that_holds_has_no_differences(run):
    (outcome,) = run("""
cases:
  - name: safety
    given: {text.body: 起火}
    expect: {priority: P0, tags: [safety], won_by: [danger-p0], due.first_response: "2026-03-02T02:15:00Z",
             notified: [guard], opened: [recall], status: open, number_prefix: 202603-LAB, flags: [], due.blocked: none}
""")
    assert (outcome.differences, outcome.why) == ([], "")


def test_a_difference_names_expected_actual_and_why(run):
    (outcome,) = run("""
cases:
  - {name: wrong, given: {text.body: complaint}, expect: {priority: P0, tags: [calm], category: complaint}}
""")
    assert outcome.differences == ["priority: expected P0, got P2", "tags: expected [calm], got [angry]"]
    assert "complaint [classification.yaml:4] angry words" in outcome.why
    assert (outcome.located.file, outcome.located.line) == ("some_test.yaml", 4)


def test_time_passes_and_timers_fire_in_between(run):
    (outcome,) = run("""
cases:
  - name: nobody answers
    given: {customer.tier: vip}
    then_after:
      2h: {notified: [clerk], breached: []}
      4h: {notified: [clerk, chief], priority: P0, breached: [first_response]}
""")
    assert outcome.differences == []


def test_events_follow_one_another(run):
    (outcome,) = run("""
cases:
  - name: answered in time
    events:
      - {facts: {text.body: hello}}
      - {type: request.replied, after: 1h, actor: agent}
    expect: {breached: []}
    then_after: {48h: {notified: []}}
""")
    assert outcome.differences == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cases: []\n", "without cases"),
        ("cases:\n  - {name: x, given: {a: b}}\n", "some_test.yaml:3 x: expects nothing"),
        ("cases:\n  - {name: x, expect: {priority: P0}}\n", "say either `given` or `events`"),
        ("cases:\n  - {name: x, given: {a: b}, expect: {c: d}, typo: 1}\n", "typo"),
        ("cases:\n  - {name: x, given: {a: b}, then_after: {1d: {c: d}}}\n", "'1d' is not a duration"),
        ("cases:\n  - {name: x, given: {a: b}, expect: {c: d}, now: 2026-03-02T10:00:00}\n", "needs an offset"),
        ("cases: [\n", "some_test.yaml:"),
    ],
)
def test_a_test_file_that_tests_nothing_or_is_wrong_is_refused(run, text, message):
    with pytest.raises(BadSuite, match=message.replace("(", r"\(")):
        run(text)
