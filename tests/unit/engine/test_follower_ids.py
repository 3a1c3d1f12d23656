"""The id of a request that follows a finished one is free, can be used, and nobody else's request is written into."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.case import Context
from answerby.engine.decide import decide
from answerby.engine.follower_ids import FollowerIds, address, before_number, candidates, ids_for, stem_of
from tests.kit.examples import examples
from tests.kit.plays import at
from tests.kit.rulebooks import compiled
from tests.unit.engine.history.test_replies import RULES

T0 = datetime(2026, 3, 2, tzinfo=UTC)
IDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=300)


def request(name, follows=""):
    return RequestState(tenant="default", request_id=name, source="crm", created=T0, last_event=T0, follows=follows)


def known(*requests):
    return {each.request_id: each for each in requests}.get


def test_an_id_that_belongs_to_another_request_is_passed_over():
    assert ids_for("KD", 256, known()).free("KD") == "KD+1"
    assert ids_for("KD", 256, known(request("KD+1"))).free("KD") == "KD+2"
    assert ids_for("KD", 256, known(request("KD+1"), request("KD+2", "other"))).free("KD") == "KD+3"
    assert ids_for("KD", 256, known(request("KD+1", "KD"))).free("KD") == "KD+1", "its own follower goes on"
    assert ids_for("KD", 256, known(request("KD+1"), request("KD+2", "KD"))).free("KD") == "KD+2"


@given(IDS, st.integers(16, 256))
@examples(300)
def test_every_id_that_follows_can_be_used_and_differs(name, longest):
    name = name[:longest]
    found = list(islice(candidates(name, longest), 20))

    assert len(set(found)) == 20
    assert all(len(each) <= longest for each in found)
    assert {before_number(each) for each in found} == {stem_of(name, longest)}


def test_long_ids_with_the_same_beginning_have_followers_of_their_own():
    one, other = "K" * 255 + "1", "K" * 255 + "2"
    assert {next(candidates(one)), next(candidates(other))}.isdisjoint({one, other})
    assert next(candidates(one)) != next(candidates(other))
    assert len(next(candidates(one))) <= 256


def sent(kind, into, **data):
    return Event(
        source="answerby/replies",
        id="KD/3",
        type=kind,
        time=T0,
        request_id=into,
        data={"follows.request": "KD", "follows.source": "crm", **data},
    )


@pytest.mark.parametrize("kind", ["request.received", "request.customer_replied"])
def test_what_a_finished_request_sends_reaches_no_request_but_the_one_that_follows(kind):
    assert address(sent(kind, "KD+1"), None) == "KD+1"
    assert address(sent(kind, "KD+1"), request("KD+1", "KD")) == "KD+1"
    assert address(sent(kind, "KD+1"), request("KD+1")) == "KD+2", "somebody took the id in the meantime"
    assert address(sent(kind, "KD+9"), request("KD+9", "other")) == "KD+10"
    outside = Event(source="crm", id="e", type=kind, time=T0, request_id="KD+1", data={})
    assert address(outside, request("KD+1")) == "KD+1"


def test_the_decision_names_the_free_id_and_later_messages_go_on_to_it():
    book = compiled(RULES)
    state, decisions = None, []
    told = [("received", "2026-03-02 09:00"), ("completed", "2026-03-02 10:00")]
    told += [("customer_replied", "2026-04-02 09:00"), ("customer_replied", "2026-04-02 09:10")]
    for number, (kind, time) in enumerate(told):
        event = Event(source="crm", id=f"e{number}", type=f"request.{kind}", time=at(time), request_id="KD")
        context = Context(follower_ids=FollowerIds(frozenset({"KD+1"})))
        decisions.append(decide(book, state, event, context, event.time))
        state = decisions[-1].state

    assert [[e.request_id for e in each.follow_ups] for each in decisions] == [[], [], ["KD+2"], ["KD+2"]]
    assert [e.payload["new_request"] for e in decisions[2].effects if e.kind == "notify"] == ["KD+2"]
    assert decisions[3].follow_ups[0].data["follows.request"] == "KD"
