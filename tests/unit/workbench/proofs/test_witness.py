"""Facts made into real requests: texts, calendars, windows, the course of a request, derived facts."""

import pytest

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.compiler import compile_rulebook
from answerby.engine.decide import decide
from answerby.rules.loader import load_texts
from answerby.rules.text.rule_folder import RuleText
from answerby.workbench.proofs import Facts
from answerby.workbench.proofs.witnesses.finder import WitnessFinder, WitnessRequest, find_witness

FILES = {
    "fields.yaml": """
fields:
  customer.id: {type: string, personal: true}
  tier: {type: enum, values: [standard, vip], default: standard}
  seen: {type: instant}
  wait: {type: duration}
  text.subject: {type: text}
  text.body: {type: text}
  text: {type: text, parts: [text.subject, text.body]}
  complaints: {type: integer, window: {count: complaint, by: customer.id, within: 24h}}
  requests: {type: integer, window: {count: any, by: customer.id, within: 24h}}
  category: {type: enum, values: [other, complaint], derived_by: classification}
  marks: {type: set, values: [hot, cold], derived_by: classification}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  team: {type: string, derived_by: routing}
rulebook:
  stages:
    classification: {default: {category: other}, on_error: {category: other}}
    priority: {default: {priority: P2}, on_error: {priority: P0}}
    routing: {on_error: {team: desk}}
""",
    "words.yaml": """
lexicons:
  not-fire: {terms: [no fire, fire drill, 没有着火]}
  fire: {except: not-fire, terms: [fire, 着火]}
  angry: {terms: [angry, fire engine]}
""",
    "calendar.yaml": """
calendar:
  id: office
  timezone: Asia/Shanghai
  weekly: {mon-fri: ["09:00-18:00"]}
  years: [2026]
  holidays: ["2026-01-01"]
""",
    "rules.yaml": """
stage: classification
rules:
  - {id: burning, because: b, when: {text: {mentions: fire}}, then: {category: complaint, marks: [hot]}}
  - {id: angry, because: b, when: {text: {mentions: angry}, tier: vip}, then: {category: complaint}}
""",
    "priority.yaml": """
stage: priority
rules:
  - {id: third, because: b, when: {complaints: {at_least: 3}, category: complaint}, then: {priority: P1}}
  - {id: often, because: b, when: {requests: {at_least: 5}}, then: {priority: P1}}
  - {id: night, because: b, when: {event.time: {outside: office}, request.status: on_hold, request.reopen_count: {at_least: 2}}, then: {priority: P1}}
  - {id: cool, because: b, when: {category: complaint, not: {marks: {has: hot}}, seen: {outside: office}, wait: {more_than: 1h}}, then: {priority: P0}}
  - {id: cold, because: b, when: {marks: {has: cold}}, then: {priority: P0}}
""",
    "routing.yaml": """
stage: routing
rules:
  - {id: top, because: b, when: {priority: P0, category: complaint}, then: {team: lab}}
""",
}


@pytest.fixture(scope="module")
def compiled() -> CompiledRulebook:
    result = load_texts(RuleText(path, text, "0" * 64) for path, text in FILES.items())
    assert result.rulebook is not None, [str(d) for d in result.diagnostics]
    return compile_rulebook(result.rulebook, "reference")


def won(compiled: CompiledRulebook, request: WitnessRequest, stage: str) -> set[str]:
    """Decided anew: the rules that won."""
    decision = decide(compiled, request.state, request.event, request.context, request.event.time)
    return {r.id for s in decision.explanation if s.stage == stage for r in s.won}


def test_a_text_mentions_what_is_asked_and_nothing_else(compiled: CompiledRulebook) -> None:
    request = find_witness(compiled, "classification", Facts(mentions={"text": {"angry": True, "fire": False}}))
    assert request is not None
    assert request.event.data == {"text.body": "angry"}
    both = find_witness(compiled, "classification", Facts(mentions={"text": {"angry": True, "fire": True}}))
    assert both is not None
    assert won(compiled, both, "classification") == {"burning"}
    exception = find_witness(compiled, "classification", Facts(mentions={"text": {"not-fire": True, "fire": False}}))
    assert exception is not None


def test_a_part_of_which_something_else_is_asked_is_left_alone(compiled: CompiledRulebook) -> None:
    request = find_witness(compiled, "classification", Facts({"text.body": None}, {"text": {"fire": True}}))
    assert request is not None
    assert set(request.event.data) == {"text.subject"}


def test_derived_facts_come_about_through_the_rules(compiled: CompiledRulebook) -> None:
    facts = Facts({"category": "complaint"}, holds={"marks": {"hot": False}})
    request = find_witness(compiled, "priority", facts)
    assert request is not None
    assert request.by_hand == ()
    assert won(compiled, request, "classification") == {"angry"}


def test_through_two_stages(compiled: CompiledRulebook) -> None:
    request = find_witness(compiled, "routing", Facts({"priority": "P0", "category": "complaint"}))
    assert request is not None
    assert request.by_hand == ()
    assert won(compiled, request, "routing") == {"top"}


def test_what_no_rule_gives_is_set_by_hand(compiled: CompiledRulebook) -> None:
    request = find_witness(compiled, "priority", Facts(holds={"marks": {"cold": True}}))
    assert request is not None
    assert request.by_hand == ("marks",)
    assert won(compiled, request, "priority") == {"cold"}


def test_windows_are_counts_of_what_came_before(compiled: CompiledRulebook) -> None:
    finder = WitnessFinder(compiled)
    third = finder.find("priority", Facts({"complaints": 3, "category": "complaint"}))
    assert third is not None
    assert third.context.windows["complaints"] >= 2
    assert won(compiled, third, "priority") == {"third"}
    often = finder.find("priority", Facts({"requests": 5, "category": "other"}))
    assert often is not None
    assert (often.context.windows, won(compiled, often, "priority")) == ({"requests": 4}, {"often"})


def test_the_course_of_the_request_and_the_hour(compiled: CompiledRulebook) -> None:
    facts = Facts({"request.status": "on_hold", "request.reopen_count": 2}, inside={"event.time": {"office": False}})
    request = find_witness(compiled, "priority", facts)
    assert request is not None
    assert won(compiled, request, "priority") == {"night"}


def test_instants_and_durations(compiled: CompiledRulebook) -> None:
    facts = Facts(
        {"category": "complaint", "wait": "PT2H"}, inside={"seen": {"office": False}}, holds={"marks": {"hot": False}}
    )
    request = find_witness(compiled, "priority", facts)
    assert request is not None
    assert won(compiled, request, "priority") == {"cool"}


@pytest.mark.parametrize(
    "facts",
    [
        Facts({"category": None}),
        Facts(mentions={"text": {"fire": True, "angry": True}}, values={"text": None}),
    ],
)
def test_the_impossible_is_not_made(compiled: CompiledRulebook, facts: Facts) -> None:
    assert find_witness(compiled, "priority", facts) is None
