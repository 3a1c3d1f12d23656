"""`protected: true`: refused exactly where some facts, right or wrong, take an output away."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from random import Random

import pytest
from hypothesis import given, note

from answerby.engine.compiler import compile_rulebook
from answerby.engine.facts.conditions import compile_condition
from answerby.engine.facts.plan import FactPlan
from answerby.engine.stages.hit import in_force, outputs_with_defaults, resolve
from answerby.rules.loader import load_texts
from answerby.rules.model.rulebook import Rule, RuleMode, Stage
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.proofs import Finding, analyse
from answerby.workbench.proofs.witnessed_findings import prove
from answerby.workbench.proofs.witnesses.finder import WitnessFinder
from tests.kit.examples import chances, examples, scaled
from tests.unit.workbench.proofs.small_rulebooks import DOMAINS, EDGES, START, VOCABULARY, make_rulebook, make_stage

WRONG = {
    "colour": True,
    "size": "huge",
    "count": "many",
    "weight": "heavy",
    "urgent": "very",
    "members": 7,
    "text": 7,
    "name": 7,
}
NOON = datetime(2026, 3, 4, 2, tzinfo=UTC)


def protect(stage: Stage) -> Stage:
    blocks = tuple(replace(b, rules=tuple(replace(r, protected=True) for r in b.rules)) for b in stage.blocks)
    return replace(stage, blocks=blocks)


def losers(stage: Stage, fields: list[str]) -> set[str]:
    """The rules that do not always keep what they give, by trying everything."""
    matching, losing = set(), set()
    for matched, failed in every_match(stage, fields):
        outputs = outputs_with_defaults(stage, resolve(stage, VOCABULARY, list(matched), list(failed)))
        matching |= {rule.id for rule in matched}
        losing |= {rule.id for rule in matched if not keeps(rule, outputs)}
    return losing | {rule.id for rule in stage.rules if rule.id not in matching}


def every_match(stage: Stage, fields: list[str]) -> Iterator[tuple[tuple[Rule, ...], tuple[Rule, ...]]]:
    plan = FactPlan(make_rulebook(stage))
    conditions = [(rule, compile_condition(rule.when, plan)) for rule in stage.rules if rule.mode is RuleMode.LIVE]
    seen = set()
    for values in product(*([*DOMAINS[field], WRONG[field]] for field in fields)):
        record = plan.record(dict(zip(fields, values, strict=True)))
        truths = [(rule, holds(record)) for rule, holds in conditions]
        for at in (START, *EDGES):
            found = tuple(
                tuple(rule for rule, truth in truths if truth is wanted and in_force(rule, at))
                for wanted in (True, None)
            )
            key = tuple(tuple(rule.id for rule in rules) for rules in found)
            if key not in seen:
                seen.add(key)
                yield found


def keeps(rule: Rule, outputs: dict[str, object]) -> bool:
    for name, value in rule.then.items():
        kept = outputs.get(name)
        if name in {"tags", "notify"}:
            if not set(value) <= set(kept or ()):
                return False
        elif kept != value:
            return False
    return True


@examples(200, deep=10_000)
@given(chance=chances)
def test_exactly_the_rules_that_can_lose_something_are_refused(chance: Random) -> None:
    stage, fields = make_stage(chance)
    stage = protect(stage)
    note(stage)
    analysis = analyse(make_rulebook(stage))
    assert {f.rules[0] for f in analysis.of(Code.NOT_PROTECTED)} == losers(stage, fields)


@pytest.mark.generated
def test_each_refusal_comes_with_a_request_that_shows_it() -> None:
    shown = 0

    @examples(100)
    @given(chance=chances)
    def check(chance: Random) -> None:
        nonlocal shown
        stage = protect(make_stage(chance)[0])
        note(stage)
        compiled = compile_rulebook(make_rulebook(stage), "reference")
        finder = WitnessFinder(compiled)
        rules = {rule.id: rule for rule in stage.rules}
        for finding in prove(compiled).of(Code.NOT_PROTECTED):
            shown += is_shown(finding, rules, finder)

    check()
    assert shown > scaled(100) / 4


def is_shown(finding: Finding, rules: Mapping[str, Rule], finder: WitnessFinder) -> bool:
    """Whether the finding has a witness. The request made of it shows the rule that loses something."""
    if finding.witness is None:
        assert "never match" in finding.message or "shadow rule" in finding.message, finding.message
        return False
    request = finder.find(finding.stage, finding.witness)
    assert request is not None, finding.message
    explained = request.stage("priority")
    assert finding.rules[0] in {r.id for r in (*explained.won, *explained.lost)}, finding.message
    (name,) = finding.outputs
    given, kept = rules[finding.rules[0]].then[name], explained.outputs.get(name)
    if name == "notify":
        given, kept = {role for n in given for role in n.roles}, set(kept or ())
        assert not given <= kept, finding.message
    else:
        lost = given != kept if name in {"priority", "team"} else not set(given) <= set(kept or ())
        assert lost, (finding.message, request.event.data)
    return True


HEAD = """
fields:
  fire: {type: boolean, default: false}
  vip: {type: boolean, default: false}
  count: {type: integer, default: 0}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
rulebook:
  stages:
    priority: {hit: POLICY, default: {priority: P2}, on_error: {priority: SAFE}}
"""
SAFETY = """
stage: priority
rank: RANK
rules:
  - {id: safety, protected: true, because: b, when: {fire: true}, then: {priority: P0}}
"""
VIP = """
stage: priority
rank: 50
rules:
  - {id: vip, because: b, when: {vip: true, count: {at_least: 3}}, then: {priority: P1}}
"""


def refusals(policy: str, rank: int, safe: str = "P0", **more: str) -> list[str]:
    texts = {
        "head.yaml": HEAD.replace("POLICY", policy).replace("SAFE", safe),
        "safety.yaml": SAFETY.replace("RANK", str(rank)),
        "vip.yaml": VIP,
        **more,
    }
    result = load_texts(RuleText(path, text, "0" * 64) for path, text in texts.items())
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    return [f.message for f in prove(compile_rulebook(result.rulebook, "reference")).of(Code.NOT_PROTECTED)]


@pytest.mark.parametrize(
    ("policy", "rank", "safe", "refused"),
    [
        ("most_severe", 900, "P0", []),
        ("first", 10, "P1", []),
        ("first", 900, "P0", ["safety is protected, but vip takes priority from it"]),
        ("unique", 10, "P0", ["safety is protected, but nothing"]),
        ("unique", 10, "P1", ["safety is protected, but safety and vip may conflict"]),
    ],
)
def test_the_safety_rule_under_each_policy(policy: str, rank: int, safe: str, refused: list[str]) -> None:
    if refused == ["safety is protected, but nothing"]:
        refused = []  # The safe side of the conflict is what the rule gives.
    found = refusals(policy, rank, safe)
    assert len(found) == len(refused)
    assert all(message.startswith(start) for message, start in zip(found, refused, strict=True))


def test_a_wrong_value_that_brings_in_the_safe_side_takes_the_output_away() -> None:
    reported = "stage: priority\nrank: 5\nrules:\n  - {id: early, because: b, when: {count: {at_least: 900}}, then: {priority: P1}}\n"
    (message,) = refusals("most_severe", 900, "P1", **{"x.yaml": reported.replace("P1", "P0").replace("900", "7")}) or [
        ""
    ]
    # The rule that fails says the same, so that nothing is in doubt.
    assert message == ""
    (message, *_) = refusals("first", 10, "P1", **{"x.yaml": reported})
    assert "early" in message


def test_the_key_stands_on_rules_tables_and_rows() -> None:
    table = """
stage: priority
table:
  id: t
  because: b
  protected: true
  inputs: [fire]
  output: priority
  rows:
    - [true, P0]
    - {when: [false], then: [P1], protected: false}
"""
    texts = {
        "head.yaml": HEAD.replace("POLICY", "first").replace("SAFE", "P0"),
        "t.yaml": table,
        "safety.yaml": SAFETY.replace("RANK", "1"),
    }
    rulebook = load_texts(RuleText(path, text, "0" * 64) for path, text in texts.items()).rulebook
    assert rulebook is not None
    assert {r.id: r.protected for s in rulebook.stages for r in s.rules} == {"t#1": True, "t#2": False, "safety": True}
    unprotected = {**texts, "safety.yaml": texts["safety.yaml"].replace("protected: true", "protected: false")}
    other = load_texts(RuleText(path, text, "0" * 64) for path, text in unprotected.items()).rulebook
    assert other is not None
    assert other.revision != rulebook.revision
