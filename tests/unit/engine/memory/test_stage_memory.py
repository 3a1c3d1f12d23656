"""A stage that is asked the same again answers from memory, and says what it would say without."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.decision import Decision
from answerby.domain.event import Event, EventType, Value
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.decide import decide
from answerby.engine.history.steps import PLAIN, Steps
from answerby.engine.memory.stage_memory import StageMemory
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.histories import some_facts
from tests.kit.rulebooks import OFFICE, compiled, variant

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
VOCABULARY = (
    OFFICE["vocabulary.yaml"]
    + """
  weight: {type: decimal}
  promised: {type: instant}
  nickname: {type: string, personal: true}
  age: {type: integer, personal: true}
"""
)
PRIORITY = (
    OFFICE["priority.yaml"]
    + """
  - {id: heavy, because: x, when: {weight: {at_least: 1}}, then: {priority: P1}}
  - {id: known, because: x, when: {nickname: {starts_with: jo}}, then: {priority: P1}}
  - {id: old, because: x, when: {age: {at_least: 90}}, then: {priority: P1}}
"""
)
ROUTING = """
stage: routing
rules:
  - {id: promised, because: x, rank: 1, when: {promised: {inside: office}}, then: {department: lab, role: chief}}
  - {id: dated, because: x, rank: 2, enabled_from: 2026-03-01, until: 2026-04-01, when: {devices: {at_least: 7}}, then: {department: lab, role: clerk}}
  - {id: others, because: x, rank: 3, then: {department: desk, role: clerk}}
"""
FACTS: dict[str, list[Value]] = {
    "weight": [1, 1.0, 0.5, 2, "much"],
    "promised": ["2026-03-02T10:00:00+08:00", "2026-03-02T23:00:00+08:00", "2031-01-01T10:00:00+08:00"],
    "nickname": ["Jo", "Joanna", "Al"],
    "age": [91, 92, 3],
    "devices": [1, 7, 100, "many"],
    "customer.tier": ["vip", "standard"],
    "text.body": ["投诉 设备起火", "how do i pay", "thanks"],
    "override.priority": ["P0"],
}


@pytest.fixture(scope="module")
def rules() -> CompiledRulebook:
    return compiled(variant(OFFICE, vocabulary=VOCABULARY, priority=PRIORITY, routing=ROUTING))


@pytest.fixture(scope="module")
def steps(rules: CompiledRulebook) -> RememberingSteps:
    return RememberingSteps(rules)


def decided(compiled: CompiledRulebook, steps: Steps, **facts: Value) -> Decision:
    event = Event(source="test", id="e", type=EventType.RECEIVED, time=NOW, request_id="R", data=facts)
    return decide(compiled, None, event, Context(), NOW, steps)


def stage_of(compiled: CompiledRulebook, name: str) -> CompiledStage:
    return next(stage for stage in compiled.stages if stage.stage.name == name)


def stage(decision: Decision, name: str) -> bytes:
    return decision_bytes(next(s for s in decision.explanation if s.stage == name))


@examples(300)
@given(requests=st.lists(some_facts(FACTS, most=5), min_size=1, max_size=10))
def test_any_requests_come_to_the_same_bytes(rules: CompiledRulebook, requests: list[dict[str, Value]]) -> None:
    steps = RememberingSteps(rules)
    for facts in requests:
        remembered, expected = decided(rules, steps, **facts), decided(rules, PLAIN, **facts)
        assert decision_bytes(remembered) == decision_bytes(expected)


def test_equal_numbers_that_look_different_are_told_apart(rules: CompiledRulebook, steps: RememberingSteps) -> None:
    shown = [stage(decided(rules, steps, weight=weight), "priority") for weight in (1, 1.0, 1, 1.0)]
    assert [b'"weight":1,' in text or b'"weight":1}' in text for text in shown] == [True, False, True, False]
    assert [b'"weight":1.0' in text for text in shown] == [False, True, False, True]


def test_what_a_person_is_called_is_neither_kept_nor_confused(rules: CompiledRulebook, steps: RememberingSteps) -> None:
    """Of personal facts the memory knows what the rules asked of them, not the facts."""
    memory = StageMemory(stage_of(rules, "priority").stage, rules.plan)
    keys = []
    for name in ("Jo Secret", "Joanna Secret", "Al Secret"):
        draft = decided(rules, steps, nickname=name, age=91)
        assert draft.facts["priority"] == "P1"
        record = rules.plan.record({"nickname": name, "age": 91})
        keys.append(memory.key(record))
    assert keys[0] == keys[1] != keys[2]
    assert "Secret" not in repr(keys)


def test_a_stage_that_looks_at_a_moment_or_has_dated_rules_is_asked_each_time(rules: CompiledRulebook) -> None:
    assert StageMemory(stage_of(rules, "routing").stage, rules.plan).recalls is False
    assert StageMemory(stage_of(rules, "priority").stage, rules.plan).recalls is True


def test_what_is_set_by_hand_does_not_stay_in_memory(rules: CompiledRulebook, steps: RememberingSteps) -> None:
    first, by_hand, again = (
        decided(rules, steps, **facts)
        for facts in ({"weight": 2}, {"weight": 2, "override.priority": "P0"}, {"weight": 2})
    )
    assert [d.facts["priority"] for d in (first, by_hand, again)] == ["P1", "P0", "P1"]
    assert stage(first, "priority") == stage(again, "priority") != stage(by_hand, "priority")


def test_a_refused_value_is_no_answer_of_the_past(rules: CompiledRulebook, steps: RememberingSteps) -> None:
    """An error is never taken for what another request came to."""
    outcomes = [
        next(s.outcome for s in decided(rules, steps, weight=weight).explanation if s.stage == "priority")
        for weight in (2, "much", 2, "much")
    ]
    assert outcomes == ["matched", "error", "matched", "error"]
    assert all(one != other for one, other in pairwise(outcomes))
