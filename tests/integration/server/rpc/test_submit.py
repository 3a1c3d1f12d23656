"""Events in over a real socket: decided, durable, idempotent, ordered."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.needs import on_every_store


def details(error: grpc.aio.AioRpcError) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.BadRequest]:
    status = rpc_status.from_call(error)
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(bad)
    assert info.domain == "answerby"
    return info, bad


@on_every_store
async def test_an_event_is_decided_and_kept(running, make_event):
    reply = await running.requests.SubmitEvent(
        pb.SubmitEventRequest(event=make_event(facts={"text.body": "我要投诉", "channel": "hotline"}))
    )
    assert not reply.duplicate
    assert reply.decision.id == "R-1/1"
    assert reply.decision.facts["category"].string_value == "complaint"
    assert reply.decision.facts["priority"].string_value == "high"
    assert reply.decision.number.endswith("-DSK-001")
    assert [stage.won[0].id for stage in reply.decision.explanation if stage.stage == "classification"] == ["angry"]
    assert reply.decision.next_due_time.seconds == reply.decision.event_time.seconds + 2

    kept = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"))
    assert kept.request.number == reply.decision.number
    assert [decision.id for decision in kept.decisions] == ["R-1/1"]
    assert dict(kept.request.given) == {"channel": kept.request.given["channel"]}
    assert "投诉" not in str(kept.request)


@on_every_store
async def test_the_same_event_again_gives_the_stored_decision(running, make_event):
    request = pb.SubmitEventRequest(event=make_event())
    first = await running.requests.SubmitEvent(request)
    again = await running.requests.SubmitEvent(request)
    assert again.duplicate
    assert again.decision.SerializeToString(deterministic=True) == first.decision.SerializeToString(deterministic=True)


async def test_the_same_id_with_another_payload_is_refused(running, make_event):
    event = make_event()
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    event.facts["text.body"].string_value = "other words"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value)[0].reason == "EVENT_ID_REUSED"


async def test_every_violation_is_named_at_once(running, make_event):
    event = make_event(id="", source="s" * 300, type="Not A Type", request_id="a\nb")
    event.time.seconds = 253_370_764_800  # the year 9999
    event.actor = 77
    event.facts["text.body"].string_value = "x" * 300_000
    event.facts["no good name!"].int_value = 1
    event.facts["number"].double_value = float("nan")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    info, bad = details(caught.value)
    assert info.reason == "INVALID_FIELDS"
    assert {violation.field for violation in bad.field_violations} == {
        "event.id",
        "event.source",
        "event.type",
        "event.request_id",
        "event.time",
        "event.actor",
        "event.facts",
        "event.facts.text.body",
        "event.facts.number",
    }
    assert "xxx" not in str(bad)


async def test_odd_but_valid_text_is_decided(running, make_event):
    for number, text in enumerate(["", "\0", "😀" * 1000, "Ã©tÃ©", "\u202e\ufeff投\u200b诉"], start=1):
        reply = await running.requests.SubmitEvent(
            pb.SubmitEventRequest(event=make_event(number, facts={"text.body": text}))
        )
        assert reply.decision.facts["category"].string_value in {"other", "complaint"}


async def test_unreadable_bytes_are_an_invalid_argument(running):
    call = running.channel.unary_unary("/answerby.v1.RequestService/SubmitEvent")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(b"\xff\xff\xff\x01garbage")
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert details(caught.value)[0].reason == "MALFORMED_MESSAGE"


async def test_a_batch_gives_each_event_its_own_status(running, make_event):
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(1)))
    reused = make_event(1, facts={"text.body": "changed"})
    reply = await running.requests.SubmitEvents(
        pb.SubmitEventsRequest(events=[make_event(2), make_event(3, id=""), reused, make_event(4)], brief=True)
    )
    assert [(r.code, r.reason) for r in reply.results] == [
        (0, ""),
        (3, "INVALID_FIELDS"),
        (3, "EVENT_ID_REUSED"),
        (0, ""),
    ]
    assert [v.field for v in reply.results[1].violations] == ["event.id"]
    assert reply.results[0].decision.request_id == "R-2"
    assert not reply.results[0].decision.explanation


async def test_events_of_one_request_in_a_batch_are_decided_in_order(running, make_event):
    first = make_event(1)
    events = [
        first,
        make_event(2),
        make_event(3, request_id="R-1", type="request.on_hold"),
        make_event(4, request_id="R-1", type="request.resumed"),
        first,
        make_event(5, request_id="R-1", type="request.completed"),
    ]
    reply = await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))
    assert [(r.decision.id, r.decision.status, r.duplicate) for r in reply.results] == [
        ("R-1/1", "open", False),
        ("R-2/1", "open", False),
        ("R-1/2", "on_hold", False),
        ("R-1/3", "open", False),
        ("R-1/1", "open", True),
        ("R-1/4", "completed", False),
    ]


async def test_counts_over_a_window_hold_within_one_batch(running, make_event):
    facts = {"text.body": "I complain", "customer.id": "c-9"}
    events = [make_event(number, facts=facts) for number in range(1, 5)]
    reply = await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))
    assert [r.decision.facts["priority"].string_value for r in reply.results] == ["high", "high", "top", "top"]
    # The customer is known from the request's state, though the event does not name them.
    later = make_event(9, request_id="R-3", type="request.updated", facts={"channel": "web"})
    again = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=later))
    assert again.decision.facts["priority"].string_value == "top"


async def test_a_batch_has_a_size(running, make_event):
    for events in ([], [make_event(n) for n in range(501)]):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))
        assert [v.field for v in details(caught.value)[1].field_violations] == ["events"]


async def test_a_historical_event_arms_no_timer(running, make_event, store):
    facts = {"text.body": "I complain"}
    reply = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(facts=facts), historical=True))
    assert reply.decision.decide_time == reply.decision.event_time
    assert not reply.decision.effects
    assert await store.timers.count("default") == 0


async def test_the_log_holds_no_word_of_the_customer(running, make_event):
    secret = {"text.body": "my-secret-words", "customer.id": "Jane-Doe-42", "odd": "my-secret-words"}
    await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(facts=secret)))
    lines = running.log.getvalue()
    assert '"request_id":"R-1"' in lines
    assert "my-secret-words" not in lines
    assert "Jane" not in lines


@on_every_store
async def test_two_workers_on_one_request_lose_nothing(launch, make_event, store):
    async with launch() as one, launch() as other:
        calls = []
        for number in range(1, 201):
            worker = one if number % 2 else other
            request = pb.SubmitEventRequest(event=make_event(number, request_id="R-1", type="request.updated"))
            calls.append(worker.requests.SubmitEvent(request))
        replies = await asyncio.gather(*calls)
        assert sorted(reply.decision.sequence for reply in replies) == list(range(1, 201))
        assert len({reply.decision.number for reply in replies}) == 1
        events = await store.requests.events("default", "R-1")
        assert sorted(event.id for event in events) == sorted(f"e-{number}" for number in range(1, 201))
