"""A timer that only reminds comes to what decide() comes to: the same decision but for its effects, the same roles told."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.decision import Decision
from answerby.domain.effect import EffectKind
from answerby.domain.event import Event, EventType
from answerby.engine.case import Case, Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.memory.reminders import Reminder, reminder
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.plays import Play
from tests.kit.rulebooks import OFFICE, compiled, variant
from tests.unit.engine.memory.test_steps import HISTORIES, LADDERS

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


class Reminded(Play):
    """Plays a request and compares every timer that only reminds with its decision. Timers fire late in turns."""

    def __init__(self, compiled: CompiledRulebook, lateness: list[int]) -> None:
        super().__init__(compiled, steps=RememberingRequests(RememberingSteps(compiled)))
        self.lateness = lateness
        """Minutes, of one timer after the other."""
        self.timers = self.reminders = self.repeats = 0

    def take(self, event: Event, now: datetime, counts: object = None) -> Decision:
        if event.type != EventType.TIMER_DUE:
            return super().take(event, now)
        # As on a server, time never goes back: a timer whose time has passed when it is armed fires at once.
        now = max(now, self.decisions[-1].decided) + timedelta(minutes=self.lateness[self.timers % len(self.lateness)])
        found = reminder(Case(self.rulebook, self.request, event, Context({}), now), self.steps)
        decision = super().take(event, now)
        self.timers += 1
        if found is not None:
            self.same(found, decision)
            # As a backtest does: the next timer comes upon what this one has left.
            self.state = found.after
        return msgspec.structs.replace(decision, state=self.state)

    def same(self, found: Reminder, decision: Decision) -> None:
        decided = msgspec.structs.replace(decision, effects=[])
        assert encoded(found.decision()) == encoded(decided)
        assert found.roles == [e.role for e in decision.effects if e.kind is EffectKind.NOTIFY]
        assert {e.kind for e in decision.effects} <= {EffectKind.NOTIFY, EffectKind.UPDATE_REQUEST}
        self.reminders += 1
        self.repeats += len(decision.arm)


def encoded(decision: Decision) -> bytes:
    return decision_bytes((decision, decision.state))


@pytest.fixture(scope="module")
def various() -> CompiledRulebook:
    """Ladders of every sort: repeats, rounds, quiet hours, lapsing acknowledgements."""
    ladders = LADDERS.replace("        raise_priority: true\n", "")
    texts = {"clocks": CLOCKS, "sla": SLA, "ladders": ladders}
    return compiled(variant(OFFICE, **texts))


@pytest.mark.generated
@pytest.mark.parametrize(("rules", "least"), [("shipped", 0.1), ("various", 0.02)])
def test_a_reminder_is_what_would_be_decided(rules: str, least: float, request: pytest.FixtureRequest) -> None:
    compiled = request.getfixturevalue(rules)
    timers = reminders = repeats = 0

    @examples(200)
    @given(history=HISTORIES, lateness=st.lists(st.sampled_from([*[0] * 9, 1, 30, 600]), min_size=1, max_size=20))
    def check(history: list, lateness: list[int]) -> None:
        nonlocal timers, reminders, repeats
        play = Reminded(compiled, lateness)
        play.lives(history, most=20)
        timers, reminders = timers + play.timers, reminders + play.reminders
        repeats += play.repeats

    check()
    assert reminders > least * timers
    assert repeats > 0
