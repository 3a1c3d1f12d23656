"""A timer that only reminds comes to what decide() comes to: the same decision but for its effects, the same roles told."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import msgspec
import pytest

from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.event import Event, EventType
from answerby.domain.request import RequestState
from answerby.engine.case import Case, Context
from answerby.engine.clocks.virtual_clock import fire_until
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.memory.reminders import Reminder, reminder
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.rulebooks import OFFICE, compiled, variant
from tests.unit.engine.memory.test_steps import LADDERS, STARTS, random_event

CLOCKS = """
clocks:
  - {id: first_response, because: x, calendar: office, stop: [request.replied], role: owner, ladder: usual}
  - {id: held, because: x, calendar: office, start: [request.accepted, request.replied], stop: [request.completed], ladder: stubborn}
  - {id: repair, because: x, calendar: always, stop: [request.completed], pause_while: [on_hold], ladder: working}
"""
SLA = """
stage: sla
rules:
  - {id: fast, because: x, rank: 1, when: {priority: P0}, then: {sla.first_response: 1h, sla.held: 2h, sla.repair: 5h}}
  - {id: normal, because: x, rank: 2, then: {sla.first_response: 4h, sla.held: {within: 2bd, end_of_day: true}, sla.repair: 20h}}
"""


class Telling:
    """Plays a story and compares every timer that only reminds with its decision."""

    def __init__(self, compiled: CompiledRulebook, chance: random.Random) -> None:
        self.compiled, self.chance = compiled, chance
        self.memory = RememberingRequests(RememberingSteps(compiled))
        self.state: RequestState | None = None
        self.timers = self.reminders = self.repeats = 0

    def take(self, event: Event, now: datetime) -> RequestState | None:
        timer = event.type == EventType.TIMER_DUE
        if timer and self.chance.random() < 0.1:
            now += timedelta(minutes=self.chance.choice([1, 30, 600]))
        told = self.reminder(event, now) if timer else None
        decision = decide(self.compiled, self.state, event, Context({}), now, self.memory)
        self.timers += timer
        self.state = decision.state
        if told is not None:
            self.same(told, decision)
            # As a backtest does: the next timer comes upon what this one has left.
            self.state = told.after
        return self.state

    def reminder(self, event: Event, now: datetime) -> Reminder | None:
        assert self.state is not None
        return reminder(Case(self.compiled, self.state, event, Context({}), now), self.memory)

    def same(self, told: Reminder, decision: Decision) -> None:
        decided = msgspec.structs.replace(decision, effects=[])
        assert encoded(told.decision()) == encoded(decided)
        assert told.roles == [e.role for e in decision.effects if e.kind is EffectKind.NOTIFY]
        assert {e.kind for e in decision.effects} <= {EffectKind.NOTIFY, EffectKind.UPDATE_REQUEST}
        self.reminders += 1
        self.repeats += len(decision.arm)

    def play(self) -> None:
        at = self.chance.choice(STARTS)
        for number in range(8):
            at += timedelta(minutes=self.chance.randrange(400))
            fire_until(self.state, at, self.take, 20)
            self.take(random_event(self.chance, number, at), at)
        fire_until(self.state, None, self.take, 40)


def encoded(decision: Decision) -> bytes:
    return decision_bytes((decision, decision.state))


@pytest.fixture(scope="module")
def various() -> CompiledRulebook:
    """Ladders of every sort: repeats, rounds, quiet hours, lapsing acknowledgements."""
    ladders = LADDERS.replace("        raise_priority: true\n", "")
    texts = {"clocks": CLOCKS, "sla": SLA, "ladders": ladders}
    return compiled(variant(OFFICE, **texts))


@pytest.mark.parametrize(("rules", "least"), [("shipped", 0.25), ("various", 0.1)])
def test_a_reminder_is_what_would_be_decided(rules: str, least: float, request: pytest.FixtureRequest) -> None:
    compiled = request.getfixturevalue(rules)
    timers = reminders = repeats = 0
    for seed in range(200):
        telling = Telling(compiled, random.Random(seed))
        telling.play()
        timers, reminders = timers + telling.timers, reminders + telling.reminders
        repeats += telling.repeats
    assert reminders > least * timers
    assert repeats > 0
