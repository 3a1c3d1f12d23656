"""What holds of finished requests, tried on generated histories."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import ActorRole
from answerby.sla.clocks import LIVE
from tests.kit.examples import examples
from tests.kit.histories import histories
from tests.kit.plays import Play, at
from tests.unit.engine.history.test_replies import rules

FINISHED = ("completed", "closed")
KINDS = [
    f"request.{kind}"
    for kind in (
        "customer_replied",
        "supplemented",
        "replied",
        "on_hold",
        "resumed",
        "feedback_given",
        "reopened",
        "updated",
    )
]
ENDS = ["request.completed", "request.closed"] * 2
ACTIONS = st.sampled_from(["reopen", "new_request", "notify"])
GENERATED = histories(
    KINDS + ENDS,
    {"customer.id": ["C1", "C2"]},
    starts=[at("2026-03-02 09:00")],
    most=8,
    gap=20_000,
    late=[timedelta(), timedelta(), timedelta(hours=30)],
)


@examples(100)
@given(GENERATED, ACTIONS, ACTIONS)
def test_no_message_of_a_customer_to_a_finished_request_is_dropped(history, then, after):
    play = Play(rules(f"{{then: {then}, after: {after}}}"), "R", with_history=True)
    for come, event in history:
        before = play.state
        decision = play.take(event, come)
        if before is None or before.status not in FINISHED or event.time < before.last_event:
            continue
        if event.actor is not ActorRole.CUSTOMER or event.type not in (
            "request.customer_replied",
            "request.supplemented",
        ):
            continue
        told = [effect for effect in decision.effects if effect.key.startswith("reply/")]
        assert (decision.status == "open") is not bool(told)
        if not told:
            assert decision.state.clocks["next_reply"].phase in LIVE
        elif "new_request" in (then, after):
            assert [each.request_id for each in decision.follow_ups] in ([], ["R+1"])


@examples(100)
@given(GENERATED)
def test_a_finished_request_has_no_clock_of_what_was_not_finished(history):
    play = Play(rules(), "R", with_history=True)
    for come, event in history:
        play.waits(come)
        decision = play.take(event, come)
        ended = decision.state.ended
        assert (ended is not None) is (decision.status in FINISHED)
        if ended is not None:
            left = [clock.name for clock in decision.clocks if clock.phase in LIVE and clock.started < ended]
            assert left == [], "what began before the end is met or cancelled by it"
