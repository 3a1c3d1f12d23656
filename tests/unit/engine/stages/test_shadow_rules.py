"""`mode: shadow`: a rule on trial is matched and explained, and never decides."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerby.domain.decision import StageOutcome
from answerby.domain.event import ActorRole, Event
from answerby.engine.case import Context
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.engine.explanation.decision_text import explain_text
from answerby.rules.loader import load_texts
from answerby.rules.text.rule_folder import RuleText

NOON = datetime(2026, 1, 5, 4, tzinfo=UTC)
FIELDS = """
fields:
  tier: {type: enum, values: [standard, vip]}
  devices: {type: integer}
  name: {type: string, personal: true}
  seen: {type: instant}
  tags: {type: set, values: [a, b, c], derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
rulebook:
  stages:
    priority: {hit: most_severe, default: {priority: P2}, on_error: {priority: P0}}
"""
CALENDAR = """
calendar:
  id: office
  timezone: UTC
  weekly: {mon-fri: ["09:00-17:00"]}
  years: [2026]
  holidays: {"2026-01-01": New year}
"""


def compiled_of(*rules, engine="reference"):
    files = {"fields.yaml": FIELDS, "office.yaml": CALENDAR, **{f"rules{n}.yaml": text for n, text in enumerate(rules)}}
    result = load_texts(RuleText(path, text, "0" * 64) for path, text in files.items())
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return compile_rulebook(result.rulebook, engine)


def decided(compiled, **facts):
    event = Event(
        source="crm", id="1", type="request.received", time=NOON, request_id="R-1", actor=ActorRole.CUSTOMER, data=facts
    )
    return decide(compiled, None, event, Context(), NOON)


def stage(decision, name="priority"):
    return next(s for s in decision.explanation if s.stage == name)


def shadow(decision, name="priority"):
    return {match.rule.id: match for match in stage(decision, name).shadow}


LIVE = """
stage: priority
rules:
  - {id: vip, because: they pay, when: {tier: vip}, then: {priority: P1}}
"""
TRIAL = """
stage: priority
rules:
  - {id: wide, because: many are hit, mode: MODE, when: {devices: {at_least: 100}}, then: {priority: P0}}
  - {id: some, because: some are hit, mode: MODE, when: {devices: {at_least: 10}}, then: {priority: P1}}
"""


@pytest.mark.parametrize("engine", ["reference", "durable"])
def test_a_rule_on_trial_says_what_it_would_have_changed_and_changes_nothing(engine):
    decision = decided(compiled_of(LIVE, TRIAL.replace("MODE", "shadow"), engine=engine), tier="vip", devices=500)
    assert decision.facts["priority"] == "P1"
    explained = stage(decision)
    assert [r.id for r in explained.won] == ["vip"]
    assert explained.lost == []
    assert explained.facts == {"tier": "vip"}
    wide, some = (shadow(decision)[name] for name in ("wide", "some"))
    assert (wide.wins, wide.changes, wide.facts, wide.failed) == (True, {"priority": "P0"}, {"devices": 500}, False)
    assert wide.rule.outputs == {"priority": "P0"}
    # P1 is what the live rule gives already: equal severity, and `some` comes before `vip` by id.
    assert (some.wins, some.changes) == (True, {})


def test_it_is_told_in_words_in_both_languages():
    decision = decided(compiled_of(LIVE, TRIAL.replace("MODE", "shadow")), devices=500)
    english, chinese = explain_text(decision), explain_text(decision, "zh")
    assert "shadow rule, would have decided: priority=P0: wide [rules1.yaml:4] many are hit" in english
    assert "would change priority from P2 to P0" in english
    assert "影子规则，本会决定: priority=P0: wide" in chinese
    assert "会把 priority 由 P2 改为 P0" in chinese


def test_a_rule_on_trial_that_cannot_be_evaluated_raises_no_doubt():
    compiled = compiled_of(LIVE, TRIAL.replace("MODE", "shadow"))
    decision = decided(compiled, tier="vip", devices="many")
    explained = stage(decision)
    assert (explained.outcome, decision.facts["priority"]) == (StageOutcome.MATCHED, "P1")
    assert explained.failed == []
    assert "CONDITION_ERROR" not in {flag.code for flag in decision.flags}
    # Live, the stage would have had to take its safe side, P0.
    assert (shadow(decision)["wide"].failed, shadow(decision)["wide"].changes) == (True, {"priority": "P0"})
    assert "shadow rule, not evaluated: wide" in explain_text(decision)


def test_a_year_that_only_a_rule_on_trial_needs_is_no_flag():
    rule = "stage: priority\nrules:\n  - {id: late, because: b, mode: MODE, when: {seen: {outside: office}}, then: {priority: P1}}\n"
    live = decided(compiled_of(LIVE, rule.replace("MODE", "live")), seen="2031-01-01T12:00:00Z")
    trial = decided(compiled_of(LIVE, rule.replace("MODE", "shadow")), seen="2031-01-01T12:00:00Z")
    assert {flag.code for flag in live.flags} == {"CONDITION_ERROR", "FACT_REFUSED"}
    assert trial.flags == []
    assert shadow(trial)["late"].failed


TABLE = """
stage: priority
table:
  id: matrix
  because: agreed
  MODE
  inputs: [tier, devices]
  output: priority
  rows:
    - [vip, {at_least: 10}, P0]
    - {when: [vip, any], then: [P1] ROW}
    - [any, any, P2]
"""


def test_the_rows_of_a_table_on_trial_are_tried_together():
    table = TABLE.replace("MODE", "mode: shadow").replace(" ROW", "")
    floor = "stage: priority\nrules:\n  - {id: floor, because: b, then: {priority: P1}}\n"
    decision = decided(compiled_of(floor, table), tier="vip", devices=50)
    assert decision.facts["priority"] == "P1"
    found = {name: (match.wins, match.changes) for name, match in shadow(decision).items()}
    # `first` of the table still holds: had it been live, only its first row would have decided.
    assert found == {"matrix#1": (True, {"priority": "P0"}), "matrix#2": (False, {}), "matrix#3": (False, {})}


def test_one_row_can_be_on_trial_and_one_row_of_a_trial_can_be_live():
    one = compiled_of(TABLE.replace("MODE", "").replace(" ROW", ", mode: shadow"))
    decision = decided(one, tier="vip", devices=1)
    assert decision.facts["priority"] == "P2"
    assert shadow(decision)["matrix#2"].changes == {"priority": "P1"}
    all_but_one = compiled_of(TABLE.replace("MODE", "mode: shadow").replace(" ROW", ", mode: live"))
    decision = decided(all_but_one, tier="vip", devices=50)
    assert decision.facts["priority"] == "P1"
    assert shadow(decision)["matrix#1"].changes == {"priority": "P0"}


def test_a_conflict_that_it_would_bring_is_said():
    rules = (
        "stage: priority\nhit: unique\nrules:\n"
        "  - {id: a, because: b, when: {tier: vip}, then: {priority: P1}}\n"
        "  - {id: z, because: b, mode: shadow, when: {devices: {at_least: 1}}, then: {priority: P1}}\n"
    )
    decision = decided(compiled_of(rules), tier="vip", devices=1)
    assert decision.facts["priority"] == "P1"
    assert decision.flags == []
    match = shadow(decision)["z"]
    assert (match.wins, match.changes) == (False, {"priority": "P0"})


def test_a_set_that_it_would_add_to():
    rules = (
        "stage: classification\nrules:\n"
        "  - {id: x, because: b, then: {tags: [a]}}\n"
        "  - {id: y, because: b, mode: shadow, then: {tags: [b]}}\n"
    )
    decision = decided(compiled_of(LIVE, rules))
    assert decision.facts["tags"] == ["a"]
    assert shadow(decision, "classification")["y"].changes == {"tags": ["a", "b"]}


def test_out_of_its_dates_it_is_not_tried():
    dated = TRIAL.replace("mode: MODE", "mode: shadow, enabled_from: 2027-01-01")
    assert shadow(decided(compiled_of(LIVE, dated), devices=500)) == {}


def without_shadow(decision):
    """The decision but for its revision, and for what is said of rules on trial."""
    explanation = [msgspec.structs.replace(s, shadow=[]) for s in decision.explanation]
    return msgspec.structs.replace(decision, revision="", explanation=explanation)


RULE = st.builds(
    lambda tier, devices, priority, rank: (tier, devices, priority, rank),
    st.sampled_from(["any", "standard", "vip"]),
    st.sampled_from([None, 1, 10, 100]),
    st.sampled_from(["P2", "P1", "P0"]),
    st.integers(0, 3),
)


def written(number, rule, mode):
    tier, devices, priority, rank = rule
    when = ([] if tier == "any" else [f"tier: {tier}"]) + ([f"devices: {{at_least: {devices}}}"] if devices else [])
    head = f"id: r{number}, because: b, rank: {rank}, mode: {mode}"
    condition = f"when: {{{', '.join(when)}}}" if when else "otherwise: true"
    return f"  - {{{head}, {condition}, then: {{priority: {priority}}}}}\n"


@settings(max_examples=60, deadline=None)
@given(
    rules=st.lists(st.tuples(RULE, st.booleans()), min_size=1, max_size=6),
    hit=st.sampled_from(["collect", "first", "unique", "most_severe"]),
    tier=st.sampled_from(["standard", "vip", "wrong", None]),
    devices=st.sampled_from([None, 5, 50, 500, "many"]),
)
def test_rules_on_trial_decide_as_if_they_were_not_there(rules, hit, tier, devices):
    facts = {name: value for name, value in (("tier", tier), ("devices", devices)) if value is not None}
    always = "  - {id: always, because: b, rank: 9, then: {priority: P2}}\n"
    lines = [(written(n, rule, "shadow" if trial else "live"), trial) for n, (rule, trial) in enumerate(rules)]
    head = f"stage: priority\nhit: {hit}\nrules:\n"
    with_trials = compiled_of(head + "".join(line for line, _ in lines) + always)
    without = compiled_of(head + "".join("#\n" if trial else line for line, trial in lines) + always)
    assert without_shadow(decided(with_trials, **facts)) == without_shadow(decided(without, **facts))
