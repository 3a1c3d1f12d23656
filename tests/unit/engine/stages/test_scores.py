"""Scores: what they come to, exactly; what is missing or in error; and how they are told."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answerby.domain.decision import ScoreOutcome, StageOutcome
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
  asked: {type: enum, values: [question, feature]}
  reach: {type: integer}
  users: {type: decimal}
  impact: {type: enum, values: [low, medium, high]}
  confidence: {type: decimal}
  effort: {type: decimal}
  quick: {type: boolean}
  took: {type: duration}
  kano: {type: enum, values: [reverse, indifferent, attractive, performance, must_be]}
  category: {type: enum, values: [other, feature], derived_by: classification}
  score: {type: decimal, derived_by: classification}
  points: {type: integer, derived_by: classification}
  tie: {type: integer, derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
rulebook:
  stages:
    classification: {default: {category: other}, on_error: {category: otherSAFE}}
    priority: {hit: most_severe, default: {priority: P2}, on_error: {priority: P0}}
"""
RULES = """
stage: classification
rules:
  - {id: asks, because: they say so, when: {asked: feature}, then: {category: feature}}
"""
PRIORITY = """
stage: priority
rules:
  - {id: worth-it, because: much for little, when: {score: {at_least: 100}}, then: {priority: P1}}
"""
RICE = """
stage: classification
score:
  id: rice
  because: most for least
  when: {category: feature}
  method: rice
  output: score
  factors:
    effort: {field: effort, at_least: 0.25}
    reach: {field: reach}
    impact: {field: impact, numbers: {low: 0.5, medium: 1, high: 2}}
    confidence: {field: confidence, scale: {from: [0, 100], to: [0, 1]}}
  tie_break:
    field: kano
    order: [must_be, performance, attractive, indifferent, reverse]
    output: tie
"""
GOOD = {"asked": "feature", "reach": 800, "impact": "high", "confidence": 80, "effort": 4}


def loaded(*texts, safe=""):
    files = (FIELDS.replace("SAFE", safe), RULES, PRIORITY, *texts)
    return load_texts(RuleText(f"{n}.yaml", text, "0" * 64) for n, text in enumerate(files))


def compiled_of(*texts, engine="reference", safe=""):
    result = loaded(*texts, safe=safe)
    assert result.rulebook is not None, "\n".join(map(str, result.diagnostics))
    return compile_rulebook(result.rulebook, engine)


def decided(compiled, state=None, **facts):
    event = Event(
        source="crm",
        id=str(state.version if state else 0),
        type="request.updated" if state else "request.received",
        time=NOON + timedelta(minutes=state.version if state else 0),
        request_id="R-1",
        actor=ActorRole.CUSTOMER,
        data=facts,
    )
    return decide(compiled, state, event, Context(), event.time)


def stage(decision, name="classification"):
    return next(s for s in decision.explanation if s.stage == name)


def score(decision):
    (found,) = stage(decision).scores
    return found


def simple(factors, rest="output: score", method="weighted_sum"):
    lines = "".join(f"    {line}\n" for line in factors)
    return f"stage: classification\nscore:\n  id: s\n  because: b\n  method: {method}\n  {rest}\n  factors:\n{lines}"


@pytest.mark.parametrize("engine", ["reference", "durable"])
def test_rice_is_reach_times_impact_times_confidence_by_effort(engine):
    decision = decided(compiled_of(RICE, engine=engine), **GOOD)
    assert decision.facts["score"] == 320.0
    # What is derived is a fact for later stages.
    assert decision.facts["priority"] == "P1"
    assert score(decision).outcome is ScoreOutcome.SCORED
    assert score(decision).arithmetic == "800 × 2 × 0.8 ÷ 4 = 320"
    assert [(f.name, f.field, f.value, f.number, f.weight) for f in score(decision).factors] == [
        ("reach", "reach", 800, "800", "1"),
        ("impact", "impact", "high", "2", "1"),
        ("confidence", "confidence", 80, "0.8", "1"),
        ("effort", "effort", 4, "4", "1"),
    ]
    assert stage(decision).outputs == {"category": "feature", "score": 320.0, "tie": 0}


def test_a_weight_in_rice_is_a_power_and_further_factors_multiply():
    text = RICE.replace(
        "high: 2}}", "high: 2}, weight: 2}\n    strategy: {field: quick, numbers: {true: 1.5, false: 1}}"
    )
    decision = decided(compiled_of(text), **GOOD, quick=True)
    # 800 * 2^2 * 0.8 * 1.5 / 4
    assert decision.facts["score"] == 960.0
    assert score(decision).arithmetic == "800 × 2^2 × 0.8 × 1.5 ÷ 4 = 960"


def test_the_handbooks_rice_is_a_weighted_mean_with_difficulty_taken_from_100():
    text = simple(
        [
            "reach: {field: reach, weight: 3, scale: {from: [0, 1000], to: [0, 100]}}",
            "difficulty: {field: impact, weight: 2, numbers: {low: 10, medium: 40, high: 90}}",
            "confidence: {field: confidence, at_least: 0, at_most: 100}",
            "urgency: {field: quick, numbers: {false: 30, true: 100}}",
        ],
        method="handbook_rice",
    )
    decision = decided(compiled_of(text), reach=600, impact="medium", confidence=80, quick=True)
    # (3*60 + 2*(100-40) + 80 + 100) / 7 = 480/7 = 68.571428...
    assert decision.facts["score"] == 68.57
    expected = "(3 × 60 + 2 × (100 - 40) + 1 × 80 + 1 × 100) ÷ 7 = 68.571428... → 68.57"
    assert score(decision).arithmetic == expected


def test_sums_are_exact_where_floats_are_not():
    text = simple(["a: {field: users}", "b: {field: effort}"], "output: score\n  round: 6")
    rule = (
        "stage: priority\nrules:\n  - {id: exactly, because: b, when: {score: {at_most: 0.3}}, then: {priority: P0}}\n"
    )
    decision = decided(compiled_of(text, rule), users=0.1, effort=0.2)
    assert decision.facts["score"] == 0.3
    assert decision.facts["priority"] == "P0"


@pytest.mark.parametrize(
    ("rounding", "value", "expected"),
    [
        ("half_up", 2.5, 3),
        ("half_up", -2.5, -3),
        ("half_up", 2.4999, 2),
        ("half_even", 2.5, 2),
        ("half_even", 3.5, 4),
        ("half_even", -2.5, -2),
        ("down", 2.9, 2),
        ("down", -2.9, -2),
    ],
)
def test_rounding(rounding, value, expected):
    text = simple(["a: {field: users}"], f"output: points\n  rounding: {rounding}")
    decision = decided(compiled_of(text), users=value)
    assert decision.facts["points"] == expected
    assert isinstance(decision.facts["points"], int)


@pytest.mark.parametrize(
    ("seconds", "expected"), [("PT59M59S", 1.0), ("PT1H", 2.0), ("PT8H", 2.5), ("P3D", 2.5), ("PT0S", 1.0)]
)
def test_bands_begin_where_the_one_before_ends(seconds, expected):
    bands = "[{below: 3600, number: 1}, {below: 28800, number: 2}, {number: 2.5}]"
    decision = decided(compiled_of(simple([f"a: {{field: took, bands: {bands}}}"])), took=seconds)
    assert decision.facts["score"] == expected


def test_a_scale_is_level_beyond_its_ends_and_can_fall():
    compiled = compiled_of(simple(["a: {field: users, scale: {from: [10, 20], to: [100, 0]}}"]))
    found = [decided(compiled, users=value).facts["score"] for value in (5, 10, 12.5, 20, 99)]
    assert found == [100.0, 100.0, 75.0, 0.0, 0.0]


def test_bounds_cut_the_result_and_say_so():
    compiled = compiled_of(simple(["a: {field: users, weight: -2}"], "output: score\n  bounds: [-5, 5]"))
    decision = decided(compiled, users=40)
    assert decision.facts["score"] == -5.0
    assert score(decision).arithmetic == "(-2) × 40 = -80 → -5"


def test_equal_scores_are_ordered_by_the_tie_break():
    compiled = compiled_of(RICE)
    requests = {kano: decided(compiled, **GOOD, kano=kano).facts for kano in ("reverse", "must_be", "attractive")}
    requests["unknown"] = decided(compiled, **GOOD).facts
    assert {facts["score"] for facts in requests.values()} == {320.0}
    assert {kano: facts["tie"] for kano, facts in requests.items()} == {
        "must_be": 5,
        "attractive": 3,
        "reverse": 1,
        "unknown": 0,
    }


def test_a_missing_factor_takes_the_number_that_the_file_gives():
    text = RICE.replace("to: [0, 1]}}", "to: [0, 1]}, missing: 0.5}")
    facts = {name: value for name, value in GOOD.items() if name != "confidence"}
    decision = decided(compiled_of(text), **facts)
    assert decision.facts["score"] == 200.0
    assert [f.name for f in score(decision).factors if f.assumed] == ["confidence"]
    assert decision.flags == []


def test_without_such_a_number_there_is_no_score_and_a_flag():
    decision = decided(compiled_of(RICE), asked="feature", reach=800, impact="high")
    assert "score" not in decision.facts
    assert "tie" not in decision.facts
    assert (score(decision).outcome, score(decision).problem) == (
        ScoreOutcome.INCOMPLETE,
        "no score without confidence, effort",
    )
    assert [(f.code, f.message) for f in decision.flags] == [
        ("SCORE_INCOMPLETE", "rice: no score without confidence, effort")
    ]
    # No score is no error: a rule that asks for one does not match.
    assert decision.facts["priority"] == "P2"


def test_an_error_in_a_factor_is_an_error_and_not_no_score():
    decision = decided(compiled_of(RICE), **(GOOD | {"effort": "huge"}))
    assert "score" not in decision.facts
    assert score(decision).outcome is ScoreOutcome.ERROR
    assert stage(decision).outcome is StageOutcome.ERROR
    # The rule that asks for the score cannot be evaluated, so its stage takes the safe side.
    assert (decision.facts["priority"], stage(decision, "priority").outcome) == ("P0", StageOutcome.ERROR)
    assert {f.code for f in decision.flags} == {"SCORE_ERROR", "CONDITION_ERROR", "FACT_REFUSED"}


def test_an_error_takes_the_score_of_the_safe_side():
    compiled = compiled_of(RICE, safe=", score: 150, tie: 0")
    decision = decided(compiled, **(GOOD | {"kano": "nonsense"}))
    assert (decision.facts["score"], decision.facts["tie"], decision.facts["priority"]) == (150.0, 0, "P1")
    assert stage(decision).outcome is StageOutcome.ERROR
    assert "SCORE_ERROR" in {f.code for f in decision.flags}


def test_a_score_that_does_not_apply_is_not_mentioned():
    decision = decided(compiled_of(RICE), **(GOOD | {"asked": "question"}))
    assert stage(decision).scores == []
    assert "score" not in decision.facts
    assert decision.flags == []


def test_a_score_too_large_to_travel_exactly_is_an_error():
    decision = decided(compiled_of(RICE), **(GOOD | {"reach": 10**12}))
    assert score(decision).outcome is ScoreOutcome.ERROR
    assert "bounds" in score(decision).problem


def test_what_a_person_sets_wins_over_the_score_and_reaches_its_condition():
    by_hand = decided(compiled_of(RICE), **GOOD, **{"override.score": 1.5})
    assert by_hand.facts["score"] == 1.5
    assert by_hand.facts["priority"] == "P2"
    assert next(r.id for r in stage(by_hand).won) == "override.score"
    made_feature = decided(compiled_of(RICE), **(GOOD | {"asked": "question", "override.category": "feature"}))
    assert made_feature.facts["score"] == 320.0


def test_a_later_event_changes_the_score_and_takes_it_back():
    compiled = compiled_of(RICE)
    first = decided(compiled, **GOOD)
    better = decided(compiled, first.state, effort=2)
    gone = decided(compiled, better.state, asked="question")
    assert [d.facts.get("score") for d in (first, better, gone)] == [320.0, 640.0, None]


def test_it_is_told_in_words_in_both_languages():
    text = RICE.replace("to: [0, 1]}}", "to: [0, 1]}, missing: 0.5}").replace("high: 2}}", "high: 2}, weight: 2}")
    facts = {name: value for name, value in GOOD.items() if name != "confidence"}
    decision = decided(compiled_of(text), **facts, kano="must_be")
    english, chinese = explain_text(decision).splitlines(), explain_text(decision, "zh")
    at = english.index("  score rice (rice): score=400.0, tie=5 [3.yaml:4] most for least")
    assert english[at + 1 : at + 7] == [
        "    reach: reach=800 → 800",
        "    impact: impact=high → 2, weight 2",
        "    confidence: confidence=missing → 0.5 (what the file says for a missing fact)",
        "    effort: effort=4 → 4",
        "    tie-break: kano=must_be → 5",
        "    800 × 2^2 × 0.5 ÷ 4 = 400",
    ]
    assert "评分 rice (rice): score=400.0, tie=5" in chinese
    assert "权重 2" in chinese
    assert "同分排序: kano=must_be → 5" in chinese
    assert "无评分: no score without" in explain_text(decided(compiled_of(RICE), asked="feature"), "zh")


def revision(*texts):
    result = loaded(*texts)
    assert result.rulebook is not None
    return result.rulebook.revision


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("medium: 1,", "medium: 1.1,"),
        ("at_least: 0.25", "at_least: 0.5"),
        ("{field: reach}", "{field: reach, weight: 2}"),
        ("to: [0, 1]}}", "to: [0, 1]}, missing: 1}"),
        ("from: [0, 100]", "from: [0, 90]"),
        ("[must_be, performance,", "[performance, must_be,"),
        ("when: {category: feature}", "when: {category: other}"),
        ("output: score", "output: score\n  round: 1"),
        ("output: score", "output: score\n  bounds: [0, 100]"),
        ("because: most for least", "because: otherwise"),
    ],
)
def test_the_revision_covers_it(old, new):
    assert old in RICE
    assert revision(RICE) != revision(RICE.replace(old, new))


def test_the_order_of_factors_in_the_file_is_nothing():
    lines = RICE.splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if "effort:" in line)
    shuffled = [*lines[:first], *reversed(lines[first : first + 4]), *lines[first + 4 :]]
    assert revision(RICE) == revision("".join(shuffled))


CENTS = st.integers(-(10**7), 10**7).map(lambda n: Decimal(n) / 1000)


@settings(max_examples=40, deadline=None)
@given(
    users=CENTS,
    effort=CENTS,
    weights=st.tuples(CENTS.filter(bool), CENTS.filter(bool)),
    places=st.integers(0, 6),
    rounding=st.sampled_from([("half_up", ROUND_HALF_UP), ("half_even", ROUND_HALF_EVEN), ("down", ROUND_DOWN)]),
)
def test_sums_agree_with_decimal_arithmetic(users, effort, weights, places, rounding):
    factors = [f"a: {{field: users, weight: {weights[0]:f}}}", f"b: {{field: effort, weight: {weights[1]:f}}}"]
    rest = f"output: score\n  round: {places}\n  rounding: {rounding[0]}"
    decision = decided(compiled_of(simple(factors, rest)), users=float(users), effort=float(effort))
    with localcontext() as context:
        context.prec = 60
        total = users * weights[0] + effort * weights[1]
        expected = total.quantize(Decimal(1).scaleb(-places), rounding=rounding[1])
    assert Decimal(repr(decision.facts["score"])) == expected
