"""Remembering the results of requests changes no decision: generated histories, with memory and without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given

from answerby.domain.decision import Decision
from answerby.domain.event import Event, EventType
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.histories import histories
from tests.kit.plays import Play
from tests.kit.rulebooks import REPAIRS, compiled, variant

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
FACTS = {
    "channel": ["web", "phone", "pigeon"],
    "text.body": ["我要投诉，设备起火", "how do I pay", "thanks", 7],
    "customer.tier": ["vip", "standard"],
    "stated.urgency": ["urgent", "normal", "nonsense"],
    "impact": ["wide", "single", None],
    "override.priority": ["P0", None],
    "override.category": ["complaint", None],
    "customer.id": ["c1", "c2"],
    "devices": [3, "many"],
}
KINDS = [kind for kind in EventType if kind.value.startswith("request.")]


HISTORIES = histories(
    KINDS, FACTS, starts=[START], most=6, gap=600, late=[timedelta(), timedelta(), timedelta(minutes=30)]
)


class Counted(Play):
    """Plays with counts that differ from decision to decision, and counts how often the memory served."""

    hits = 0

    def take(self, event: Event, now: datetime, counts: object = None) -> Decision:
        windows = dict.fromkeys((name for name, _ in self.rulebook.windows), len(self.decisions) % 3)
        decision = super().take(event, now, windows)
        self.hits += getattr(self.steps, "hit", False)
        return decision


NEEDS = """
stage: completeness
rules: [{id: needs, because: x, when: {category: danger}, then: {require: [customer.id]}}]
"""
SCORE = """
stage: classification
score:
  id: weight
  because: x
  method: weighted_sum
  when: {complete: true}
  output: weight
  factors: {devices: {field: devices, weight: 2}}
"""
READS_EVERYTHING = """
stage: routing
rules:
  - {id: at-first, because: x, when: {request.events: {at_most: 1}}, then: {role: chief}}
  - {id: on-timers, because: x, when: {event.type: timer.due}, then: {role: chief}}
  - {id: by-staff, because: x, when: {event.actor: agent}, then: {role: chief}}
  - {id: later, because: x, enabled_from: 2026-03-02T09:00:00+00:00, when: {impact: low}, then: {role: chief}}
"""


@pytest.fixture(scope="module")
def nosy() -> CompiledRulebook:
    """Rules that look at what changes with every event."""
    return compiled(variant(REPAIRS, routing=READS_EVERYTHING))


@pytest.fixture(scope="module")
def circular() -> CompiledRulebook:
    """Completeness looks at what the request was classified as before, and a score at whether it is complete."""
    vocabulary = REPAIRS["vocabulary.yaml"] + "  complete: {type: boolean, derived_by: completeness}\n"
    rulebook = REPAIRS["rulebook.yaml"].replace("  stages:\n", "  stages:\n    completeness: {hit: collect}\n")
    vocabulary += "  weight: {type: decimal, derived_by: classification}\n"
    return compiled(variant(REPAIRS, needs=NEEDS, vocabulary=vocabulary, rulebook=rulebook, score=SCORE))


@pytest.mark.generated
@pytest.mark.parametrize("rules", ["shipped", "nosy", "circular"])
def test_the_decisions_are_the_same_bytes(rules: str, request: pytest.FixtureRequest) -> None:
    compiled = request.getfixturevalue(rules)
    hits = 0

    @examples(60)
    @given(history=HISTORIES)
    def check(history: list) -> None:
        nonlocal hits
        plain = Counted(compiled)
        remembering = Counted(compiled, steps=RememberingRequests(RememberingSteps(compiled)))
        plain.lives(history, most=30)
        remembering.lives(history, most=30)
        hits += remembering.hits
        assert decision_bytes(remembering.decisions) == decision_bytes(plain.decisions)

    check()
    assert hits > 0 or rules != "shipped"
