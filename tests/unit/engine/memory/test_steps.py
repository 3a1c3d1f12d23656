"""Remembering steps change no decision: the same bytes as from the plain steps, over generated histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import Event, EventType
from answerby.engine.case import Context
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.engine.decide import decide
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.histories import histories
from tests.kit.plays import Play
from tests.kit.rulebooks import OFFICE, compiled, variant

STARTS = tuple(datetime(*day, 1, tzinfo=UTC) for day in ((2026, 3, 2), (2026, 12, 29), (2027, 12, 29), (2026, 1, 1)))
"""The small rules' calendar knows 2026 only, the shipped one 2027 too."""
KINDS = [kind for kind in EventType if kind.value.startswith("request.")]
FACTS = {
    "channel": ["web", "phone"],
    "text.body": ["我要投诉，设备起火", "how do I pay", "thanks", 7],
    "customer.tier": ["vip", "standard"],
    "customer.id": ["c1", "c2"],
    "contact.name": ["Kim", None],
    "devices": [3, 100, "many"],
    "stated.urgency": ["urgent", "normal"],
    "override.priority": ["P0", None],
    "override.category": ["complaint", None],
    "due.first_response": ["2026-03-02T12:00:00+08:00", "2026-12-31T12:00:00+08:00", None],
    "merged.into": ["R2"],
    "merged.at": ["2026-03-02T01:00:00+00:00"],
    "absorbed.request": ["R0"],
    "absorbed.created": ["2026-03-01T01:00:00+00:00", "2025-12-31T20:00:00+00:00"],
}
CLOCKS = """
clocks:
  - {id: first_response, because: x, calendar: office, stop: [request.replied], role: owner, ladder: usual, pause_while: [on_hold]}
  - {id: blocked, because: x, calendar: office, start: [request.blocked], stop: [request.unblocked], role: chief, task: report}
  - {id: held, because: x, calendar: office, pause: [request.change_requested], resume: [request.change_approved], ladder: stubborn}
  - {id: counted, because: x, calendar: office, pause_while: [on_hold, blocked], paused_time: counted, granularity: minute}
  - {id: vip, because: x, calendar: office, start: [{when: {customer.tier: vip}}], stop: [request.completed], ladder: usual}
  - {id: from_now, because: x, calendar: office, retarget_from: now, reopen: new_cycle, stop: [request.completed], ladder: working}
  - {id: turns, because: x, calendar: office, start: [request.replied], reset: [request.replied], recurrence: sequential}
  - {id: dropped, because: x, calendar: always, cancel: [request.accepted], reopen: frozen, boundary: next_open, ladder: stubborn}
"""
SLA = """
stage: sla
rules:
  - {id: fast, because: x, rank: 1, when: {priority: P0}, then: {sla.first_response: {within: 15m, calendar: always}, sla.held: 1bd, sla.from_now: 1h}}
  - {id: normal, because: x, rank: 2, then: {sla.first_response: 4h, sla.held: {within: 2bd, end_of_day: true}, sla.from_now: 6h}}
  - {id: vips, because: x, when: {customer.tier: vip}, then: {sla.vip: 2h, sla.counted: 3h}}
  - {id: all, because: x, then: {sla.blocked: 2h, sla.turns: 8h, sla.dropped: 30m}}
"""
LADDERS = (
    OFFICE["ladders.yaml"]
    + """
  - id: stubborn
    because: again and again
    on_acknowledgement: stop_chain
    quiet_hours: {calendar: office, then: next_opening}
    acknowledgement_lasts: 2h
    climb_again: {every: 20m, at_most: 2}
    steps:
      - {at: 50%, notify: {roles: [owner], template: warn}}
      - {at: +15m, notify: {roles: [chief], template: breach}}
  - id: working
    because: in working time
    offsets: working_time
    quiet_hours: {calendar: office, then: digest}
    steps:
      - {at: -1h, notify: {roles: [owner], template: warn}}
      - {at: 80%, notify: {roles: [owner], template: warn}}
      - {at: +1bd, notify: {roles: [chief], template: breach}}
"""
)


HISTORIES = histories(
    KINDS,
    FACTS,
    starts=STARTS,
    most=10,
    gap=400,
    late=[timedelta(), timedelta(minutes=30), timedelta(minutes=300), timedelta(microseconds=1)],
    historical=True,
    carried={EventType.ABSORBED: {name: FACTS[name] for name in ("absorbed.request", "absorbed.created")}},
)


@pytest.fixture(scope="module")
def various() -> CompiledRulebook:
    """Clocks and ladders of every sort."""
    rulebook = OFFICE["rulebook.yaml"].replace("sla: {hit: first}", "sla: {hit: collect}")
    texts = {"clocks": CLOCKS, "sla": SLA, "ladders": LADDERS, "rulebook": rulebook}
    return compiled(variant(OFFICE, **texts))


@pytest.mark.parametrize("rules", ["shipped", "various"])
@examples(80)
@given(requests=st.lists(HISTORIES, min_size=1, max_size=3))
def test_the_decisions_are_the_same_bytes(rules: str, request: pytest.FixtureRequest, requests: list) -> None:
    compiled = request.getfixturevalue(rules)
    steps = RememberingSteps(compiled)
    for history in requests:
        remembering, plain = Play(compiled, steps=steps), Play(compiled)
        remembering.lives(history, most=20)
        plain.lives(history, most=20)
        assert decision_bytes(remembering.decisions) == decision_bytes(plain.decisions)


def test_an_update_leaves_most_clocks_unchanged(shipped: CompiledRulebook) -> None:
    at, steps = STARTS[0], RememberingSteps(shipped)
    first = Event(source="t", id="1", type=EventType.RECEIVED, time=at, request_id="R", data={"channel": "web"})
    state = decide(shipped, None, first, Context({}), at, steps).state
    assert state is not None
    later = msgspec.structs.replace(first, id="2", type=EventType.UPDATED, time=at + timedelta(minutes=1))
    after = decide(shipped, state, later, Context({}), later.time, steps).state
    assert after is not None
    assert all(after.clocks[name] is clock for name, clock in state.clocks.items())


def test_steps_serve_their_own_rulebook_only(shipped: CompiledRulebook, various: CompiledRulebook) -> None:
    event = Event(source="t", id="1", type=EventType.RECEIVED, time=STARTS[0], request_id="R")
    for steps in (RememberingSteps(various), RememberingRequests(RememberingSteps(various))):
        with pytest.raises(ValueError, match="another rulebook"):
            decide(shipped, None, event, Context({}), STARTS[0], steps)
