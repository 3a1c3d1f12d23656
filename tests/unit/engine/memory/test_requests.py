"""Remembering the results of requests changes no decision: long random histories, with memory and without."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.event import ActorRole, Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.history.steps import PLAIN
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
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


def random_event(chance: random.Random, number: int, at: datetime) -> Event:
    names = chance.sample(sorted(FACTS), chance.randrange(4))
    return Event(
        source="test",
        id=f"e{number}",
        type=chance.choice(KINDS) if number else EventType.RECEIVED,
        time=at - timedelta(minutes=chance.choice([0, 0, 30])),
        request_id="R",
        actor=chance.choice(list(ActorRole)),
        data={name: chance.choice(FACTS[name]) for name in names},
    )


class Telling:
    """Plays a story and keeps every decision, as bytes."""

    def __init__(self, compiled: CompiledRulebook, memory: RememberingRequests | None) -> None:
        self.compiled, self.memory = compiled, memory
        self.state: RequestState | None = None
        self.decisions: list[bytes] = []
        self.hits = 0

    def take(self, event: Event, now: datetime) -> RequestState | None:
        context = Context(dict.fromkeys((name for name, _ in self.compiled.windows), len(self.decisions) % 3))
        decision = decide(self.compiled, self.state, event, context, now, self.memory or PLAIN)
        self.decisions.append(decision_bytes(decision))
        self.state = decision.state
        self.hits += self.memory is not None and self.memory.hit
        return self.state

    def play(self, seed: int) -> None:
        chance, at = random.Random(seed), START
        for number in range(6):
            at += timedelta(minutes=chance.randrange(600))
            fire_until(self.state, at, self.take, 30)
            self.take(random_event(chance, number, at), at)
        fire_until(self.state, None, self.take, 30)


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


@pytest.mark.parametrize("rules", ["shipped", "nosy", "circular"])
def test_the_decisions_are_the_same_bytes(rules: str, request: pytest.FixtureRequest) -> None:
    compiled = request.getfixturevalue(rules)
    hits, steps = 0, RememberingSteps(compiled)
    for seed in range(60):
        memory = RememberingRequests(steps)
        plain, remembering = Telling(compiled, None), Telling(compiled, memory)
        plain.play(seed)
        remembering.play(seed)
        hits += remembering.hits
        assert remembering.decisions == plain.decisions, seed
    assert hits > (50 if rules == "shipped" else -1)
