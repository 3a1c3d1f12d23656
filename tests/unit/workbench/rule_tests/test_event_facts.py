"""Every fact and attribute that the server takes in an event can be written in a rule test, and does there what it does on the server."""

from __future__ import annotations

import re

import pytest

from answerby.domain.event import OVERRIDE_PREFIX
from answerby.engine.facts.manual_due import PREFIX as DUE_PREFIX
from answerby.engine.memory.steps import RememberingSteps
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.rule_tests.coverage import coverage_of
from answerby.workbench.rule_tests.runner import run_case
from answerby.workbench.rule_tests.suite.case_reader import EVENT_KEYS
from answerby.workbench.rule_tests.suite.event_facts import EVENT_FACTS
from answerby.workbench.rule_tests.suite.loader import load_suite_texts
from tests.kit.places import REFERENCE
from tests.kit.rulebooks import OFFICE, compiled, variant

ROW = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)
WORD = re.compile(r"`([^`]+)`")
WRITTEN = {"time": {"after", "at", "happened"}, "request_id": {"request"}}
"""Attributes of events that rule tests call otherwise. Time is told by how long after, or by when."""

TEAMS = variant(
    OFFICE,
    clocks="""
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner, ladder: usual}
  - {id: blocked, because: report, calendar: office, stop: [request.progress_reported], role: chief, task: report}
  - {id: team, because: a department has its time, per: department, calendar: always, stop: [request.replied], ladder: told}
""",
    ladders=OFFICE["ladders.yaml"]
    + """
  - id: told
    because: the chief hears
    steps: [{at: 0m, notify: {roles: [chief], template: breach}}]
""",
    sla="""
stage: sla
rules:
  - {id: normal, because: usual, then: {sla.first_response: 4h, sla.team: 1h}}
""",
)

# The office works from 9 to 18 in Shanghai; the first event is at 10:00 on a Monday, so four hours end at 14:00.
EXAMPLES = {
    "override.<field>": """
    events:
      - {facts: {text.body: hello}, expect: {priority: P2}}
      - {type: request.updated, after: 1m, actor: agent, facts: {override.priority: P0}, expect: {priority: P0}}
      - {type: request.updated, after: 1m, actor: agent, facts: {override.priority: null}, expect: {priority: P2}}
""",
    "due.<clock>": """
    events:
      - {facts: {text.body: hello}, expect: {due.first_response: "2026-03-02T14:00:00+08:00"}}
      - {type: request.updated, after: 10m, actor: agent, facts: {due.first_response: "2026-03-02T16:00:00+08:00"}}
    expect: {due.first_response: "2026-03-02T16:00:00+08:00"}
    then_at:
      "2026-03-02T15:59:00+08:00": {not: {breached: first_response}}
      "2026-03-02T16:00:00+08:00": {breached: {has: first_response}, effects: {kind: notify, clock: first_response, role: chief}}
""",
    "acknowledged.clock": """
    events:
      - {facts: {text.body: hello}}
      - {type: request.acknowledged, after: 241m, actor: agent, facts: {acknowledged.clock: first_response}}
    then_after: {30m: {no_effects: [{kind: notify, clock: first_response}]}}
""",
    "merged.into": """
    events:
      - {request: one, facts: {text.body: hello}}
      - {request: two, after: 1h, facts: {text.body: hello}}
      - {request: one, type: request.merged, after: 1h, actor: agent, facts: {merged.into: two}}
    expect: {status: merged, requests: {two: {due.first_response: "2026-03-02T14:00:00+08:00"}}}
""",
    "corrects.event": """
    events:
      - {id: call, facts: {text.body: hello}}
      - {type: request.updated, after: 1h, happened: "2026-03-02T09:30:00+08:00", facts: {corrects.event: call, customer.tier: vip}}
    expect: {priority: P1, due.first_response: "2026-03-02T13:30:00+08:00", flags: [RETROACTIVE]}
""",
    "corrects.source": """
    events:
      - {source: phone, id: call, facts: {text.body: hello}}
      - {source: desk, type: request.updated, after: 1h, happened: "2026-03-02T10:00:00+08:00",
         facts: {corrects.event: call, corrects.source: phone, customer.tier: vip}}
    expect: {priority: P1}
""",
    "corrects.withdrawn": """
    events:
      - {facts: {text.body: hello}}
      - {type: request.replied, after: 1h, actor: agent, expect: {clock.first_response: met}}
      - {type: request.updated, after: 1h, actor: agent, facts: {corrects.event: e2, corrects.withdrawn: true}}
    expect: {clock.first_response: running}
""",
}


@pytest.fixture(scope="module")
def rulebook():
    return compiled(TEAMS)


@pytest.fixture
def run(rulebook):
    def outcomes(body):
        text = f'now: "2026-03-02T10:00:00+08:00"\ncases:\n  - name: a\n{body}'
        suites = load_suite_texts(rulebook, [RuleText("a_test.yaml", text, "")])
        told = [f"{found.code}: {found.message} ({found.hint})" for found in suites.diagnostics]
        ran = [run_case(RememberingSteps(rulebook), located) for located in suites.cases]
        return told, [difference for outcome in ran for difference in outcome.differences]

    return outcomes


def section(title):
    return (REFERENCE / "events.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_page_lists_the_facts_that_the_engine_takes():
    listed = {word for row in ROW.findall(section("Facts with a meaning of their own")) for word in WORD.findall(row)}

    assert listed == {f"{OVERRIDE_PREFIX}<field>", f"{DUE_PREFIX}<clock>", *EVENT_FACTS}
    assert listed == set(EXAMPLES)


@pytest.mark.parametrize("fact", EXAMPLES)
def test_every_fact_of_events_can_be_written_and_has_its_effect(run, fact):
    assert run(EXAMPLES[fact]) == ([], [])


def test_every_attribute_of_events_can_be_written():
    rows = ROW.findall((REFERENCE / "events.md").read_text("utf-8").split("\n## ")[0])
    names = {word for row in rows for word in WORD.findall(row)}

    assert names >= {"id", "source", "type", "time", "request_id", "actor", "facts"}
    for name in names:
        assert WRITTEN.get(name, {name}) <= set(EVENT_KEYS)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("due.first_respons: '2026-03-02T16:00:00+08:00'", "there is no clock first_respons (did you mean first_response?)"),
        ("due.first_response: tomorrow", "due.first_response must be an instant"),
        ("due.first_response: '2026-03-02T16:00:00'", "offset"),
        ("due.team: '2026-03-02T16:00:00+08:00'", "the clock team runs once for each department (write team@desk)"),
        ("acknowledged.clock: first_respons", "there is no clock first_respons (did you mean first_response?)"),
        ("merged.into: 7", "merged.into must be text, not the number 7"),
        ("merged.into: null", "merged.into must be text, not nothing"),
        ("merged.inot: one", "did you mean merged.into?"),
        ("corrects.event: e7", "no event e7 from rule-test is in this case to be corrected (known: e1, e2)"),
        ("corrects.withdrawn: 'yes'", "corrects.withdrawn must be true or false"),
        ("override.prioirty: P0", "did you mean override.priority?"),
    ],
)  # fmt: skip
def test_a_mistake_in_such_a_fact_is_told(run, facts, told):
    mistakes, _ = run(f"""
    events:
      - {{facts: {{text.body: hello}}}}
      - {{type: request.updated, after: 1m, facts: {{{facts}}}}}
    expect: {{priority: P2}}
""")

    assert len(mistakes) == 1
    assert told in mistakes[0]


def test_what_the_server_refuses_can_be_tried_on_purpose(run):
    body = """
    events:
      - {facts: {text.body: hello, due.first_response: {raw: tomorrow}}}
    expect: {flags: [DUE_REFUSED]}
"""
    assert run(body) == ([], [])


def test_two_events_of_one_id_are_a_mistake(run):
    told, _ = run("""
    events:
      - {id: a, facts: {text.body: hello}}
      - {id: a, type: request.updated}
    expect: {priority: P2}
""")
    assert [line.partition(":")[0] for line in told] == ["duplicate-id"]


def test_an_event_that_is_told_late_counts_from_when_it_happened(run):
    body = """
    events:
      - {facts: {text.body: hello}}
      - {type: request.updated, after: 5h, expect: {clock.first_response: breached}}
      - {type: request.replied, actor: agent, after: 1m, happened: "2026-03-02T11:00:00+08:00"}
    expect: {clock.first_response: met, flags: [RETROACTIVE]}
"""
    assert run(body) == ([], [])


def test_a_clock_of_one_value_can_be_named_wherever_a_clock_can(run):
    body = """
    events:
      - {facts: {text.body: 起火}, expect: {department: lab, clock.team@lab: running, clock.team@desk: none}}
      - {type: request.updated, actor: agent, after: 1m, facts: {due.team@lab: "2026-03-02T12:00:00+08:00"}}
    expect: {due.team@lab: "2026-03-02T12:00:00+08:00", due.team@desk: none}
    then_at:
      "2026-03-02T12:00:00+08:00":
        breached: [team@lab]
        effects: {kind: notify, template: breach, clock: team@lab}
        not: {breached: [team@desk]}
"""
    assert run(body) == ([], [])
    body = "    given: {text.body: hello}\n    expect: {due.team@desk: 1h, clock.team@desk: running}\n"
    assert run(body) == ([], [])


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("clock.team: none", "the clock team runs once for each department (write team@desk)"),
        ("breached: [team@dsk]", "the clock team runs once for each department (did you mean desk?)"),
        ("due.first_response@desk: 1h", "there is no clock first_response@desk (did you mean first_response?)"),
    ],
)
def test_a_clock_that_no_request_can_have_is_told(run, expect, told):
    mistakes, _ = run(f"    given: {{text.body: hello}}\n    expect: {{{expect}}}\n")

    assert len(mistakes) == 1
    assert told in mistakes[0]


def test_a_clock_of_each_value_is_covered_by_any_of_them(rulebook):
    text = """
now: "2026-03-02T10:00:00+08:00"
cases:
  - name: a
    events: [{facts: {text.body: hello}}, {type: request.replied, actor: agent, after: 1m}]
    expect: {clock.team@desk: met}
"""
    (located,) = load_suite_texts(rulebook, [RuleText("a_test.yaml", text, "")]).cases
    trace = run_case(RememberingSteps(rulebook), located).trace

    lacking = {part.name: part.lacking for part in coverage_of(rulebook.rulebook, [trace]).clocks}
    assert lacking["team"] == ("never breached",)


def test_requests_of_a_case_are_counted_as_the_server_counts_them(run):
    """A request counts in its window from its creation on, by the category it has now, merged or not; one of another customer
    does not, nor one of a day ago.
    """
    body = """
    events:
      - {request: old, facts: {customer.id: C-1, text.body: 投诉}}
      - {request: one, at: "2026-03-03T12:00:00+08:00", facts: {customer.id: C-1, text.body: 投诉}}
      - {request: other, after: 1m, facts: {customer.id: C-2, text.body: 投诉}}
      - {request: two, after: 1m, facts: {customer.id: C-1, text.body: 投诉}, expect: {customer.complaints_24h: 2, priority: P2}}
      - {request: two, type: request.merged, after: 1m, actor: agent, facts: {merged.into: one}}
      - {request: three, after: 1m, facts: {customer.id: C-1, text.body: 投诉}}
    expect: {customer.complaints_24h: 3, priority: P1, requests: {one: {customer.complaints_24h: 1}}}
"""
    assert run(body) == ([], [])
