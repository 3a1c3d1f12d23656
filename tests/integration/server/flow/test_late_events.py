"""Late and corrected events on a real server: the stored history is folded, what was said is taken back."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import resources_pb2
from tests.kit.patience import eventually

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(**time):
    return NOW - timedelta(**time)


async def submit(running, event, *, historical=False):
    request = pb.SubmitEventRequest(event=event, historical=historical)
    return (await running.requests.SubmitEvent(request)).decision


async def stored(running, request_id="R-1"):
    return await running.requests.GetRequest(pb.GetRequestRequest(request_id=request_id))


def codes(decision):
    return [flag.code for flag in decision.flags]


@pytest.fixture
def event(make_event):
    def make(name, kind, when, **facts):
        return make_event(id=name, type=f"request.{kind}", request_id="R-1", when=when, facts=facts)

    return make


async def breach_told(running):
    async def told():
        decisions = (await stored(running)).decisions
        return any(effect.key.startswith("ladder/") for decision in decisions for effect in decision.effects)

    await eventually(told)


async def test_a_reply_told_late_takes_back_the_breach_that_was_told(running, event):
    await submit(running, event("a", "received", ago(hours=2), **{"text.body": "hello"}))
    await breach_told(running)
    decision = await submit(running, event("b", "replied", ago(minutes=90)))
    (clock,) = decision.clocks
    assert clock.stop_time.ToDatetime(UTC) == ago(minutes=90)
    assert clock.due_time.ToDatetime(UTC) == ago(minutes=60)
    assert not clock.breached
    assert "RETROACTIVE" in codes(decision)
    assert "OUT_OF_ORDER" not in codes(decision)
    (correction,) = [effect for effect in decision.effects if effect.key.startswith("correction/")]
    assert (correction.kind, correction.role) == ("notify", "lead")
    assert correction.key == "correction/first_response/1/0/0/lead"
    assert "in time" in correction.payload["text.en"].string_value


async def test_a_corrected_time_of_receipt_fires_the_ladder_again_at_its_own_time(running, event):
    await submit(running, event("a", "received", ago(hours=2), **{"text.body": "hello"}))
    await breach_told(running)
    later = datetime.now(UTC) - timedelta(hours=1) + timedelta(seconds=2)
    correction = event("b", "updated", later, **{"corrects.event": "a"})
    decision = await submit(running, correction)
    assert decision.clocks[0].due_time.ToDatetime(UTC) > datetime.now(UTC) - timedelta(seconds=30)
    assert any(effect.key == "correction/first_response/1/0/0/lead" for effect in decision.effects)

    async def told_again():
        decisions = (await stored(running)).decisions
        told = [e for d in decisions for e in d.effects if e.key == "ladder/first_response/1/0/0/late/lead"]
        return len(told) == 2

    await eventually(told_again)
    assert (await stored(running)).request.clocks[0].breached


@pytest.mark.parametrize("historical", [True, False])
async def test_every_order_of_arrival_ends_in_the_same_clocks(running, event, make_event, historical):
    # A customer who writes at all times, a pause that a late event ends, a reply.
    story = [
        ("received", ago(minutes=50), {"text.body": "hello"}),
        ("on_hold", ago(minutes=40), {}),
        ("customer_replied", ago(minutes=30), {"text.body": "still there?"}),
        ("replied", ago(minutes=20), {}),
    ]
    seen = set()
    for number, order in enumerate(itertools.permutations(story)):
        for place, (kind, when, facts) in enumerate(order):
            name, request_id = f"{number}-{place}", f"R-{number}"
            told = make_event(id=name, type=f"request.{kind}", request_id=request_id, when=when, facts=facts)
            await submit(running, told, historical=historical)
        request = (await stored(running, f"R-{number}")).request
        seen.add((request.status, *(clock.SerializeToString(deterministic=True) for clock in request.clocks)))
    assert len(seen) == 1
    clock = resources_pb2.Clock.FromString(next(iter(seen))[1])
    assert clock.start_time.ToDatetime(UTC) == ago(minutes=50)
    assert clock.stop_time.ToDatetime(UTC) == ago(minutes=20)


async def test_two_that_come_late_at_once_are_both_taken(running, event):
    await submit(running, event("a", "received", ago(minutes=50), **{"text.body": "hello"}))
    await submit(running, event("b", "updated", ago(minutes=10)))
    batch = [event("c", "replied", ago(minutes=30)), event("d", "customer_replied", ago(minutes=40))]
    reply = await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=batch))
    assert [result.code for result in reply.results] == [0, 0]
    assert all("RETROACTIVE" in codes(result.decision) for result in reply.results)
    again = await submit(running, batch[0])
    assert again.sequence == reply.results[0].decision.sequence
