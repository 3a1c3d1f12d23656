"""ExportEvents: whole requests, to operators of the tenant only, and logged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.patience import eventually

OPERATOR, OTHER, READER, RULES = (
    f"token-of-the-{name}" for name in ("operator", "other-tenant", "reader", "rules-only")
)
HOUR = timedelta(hours=1)


def stamp(moment: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def bearer(token: str):
    return (("authorization", f"Bearer {token}"),)


def wanted(**changes) -> pb.ExportEventsRequest:
    now = datetime.now(UTC)
    return pb.ExportEventsRequest(**({"start_time": stamp(now - HOUR), "end_time": stamp(now + HOUR)} | changes))


async def read(running, request, metadata=()) -> list[pb.ExportEventsResponse]:
    return [message async for message in running.requests.ExportEvents(request, metadata=metadata)]


async def submit(running, make_event, count: int, metadata=()) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=count)
    for number in range(1, count + 1):
        event = make_event(number, when=begin + timedelta(minutes=number), facts={"text.body": "我要投诉"})
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event), metadata=metadata)


async def test_events_come_as_they_were_sent_and_decisions_when_asked_for(running, make_event) -> None:
    await submit(running, make_event, 2)

    plain = await read(running, wanted())
    full = await read(running, wanted(include_decisions=True))

    assert [message.request.request_id for message in plain] == ["R-1", "R-2"]
    (entry,) = plain[0].request.events
    assert entry.event.facts["text.body"].string_value == "我要投诉"
    assert (entry.event.id, entry.historical, entry.HasField("decision")) == ("e-1", False, False)
    assert entry.decide_time.ToDatetime(UTC) > entry.event.time.ToDatetime(UTC)
    decision = full[0].request.events[0].decision
    assert decision.facts["category"].string_value == "complaint"
    assert [stage.stage for stage in decision.explanation][:2] == ["completeness", "classification"]
    assert full[0].request.number == decision.number


async def test_timers_are_sent_with_decisions_only(running, make_event) -> None:
    await submit(running, make_event, 1)

    async def fired() -> bool:
        full = await read(running, wanted(include_decisions=True))
        return [e.event.type for e in full[0].request.events] == ["request.received", "timer.due"]

    await eventually(fired)
    assert [e.event.type for e in (await read(running, wanted()))[0].request.events] == ["request.received"]


async def test_a_page_token_goes_on_after_its_request(running, make_event) -> None:
    await submit(running, make_event, 4)
    request = wanted()
    everything = await read(running, request)
    request.page_token = everything[1].page_token

    rest = await read(running, request)

    assert [message.request.request_id for message in rest] == ["R-3", "R-4"]
    request.end_time.FromDatetime(datetime.now(UTC) + 2 * HOUR)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(running, request)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"start_time": None}, "start_time: is required"),
        ({"start_time": Timestamp(seconds=-5)}, "start_time: must be between"),
        ({"end_time": Timestamp(seconds=10**12)}, "end_time: must be between"),
        ({"end_time": Timestamp(seconds=5)}, "must not lie before start_time"),
        ({"page_token": "made up"}, "page token"),
    ],
)
async def test_bad_input_is_told(running, changes, told) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match=told) as caught:
        await read(running, wanted(**changes))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_only_operators_of_the_tenant_may_export_and_the_log_says_who_did(settings, launch, make_event) -> None:
    settings["server"]["tokens"] = {
        OPERATOR: {"tenant": "one", "name": "Wang", "roles": ["operator"]},
        OTHER: {"tenant": "two", "name": "Li", "roles": ["operator"]},
        READER: {"tenant": "one", "name": "Zhao", "roles": ["reader", "author", "approver"]},
        RULES: {"name": "Qian", "roles": ["operator"]},
    }
    async with launch() as running:
        await submit(running, make_event, 1, bearer(OPERATOR))

        assert len(await read(running, wanted(), bearer(OPERATOR))) == 1
        assert await read(running, wanted(), bearer(OTHER)) == []
        for token in (READER, RULES):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await read(running, wanted(), bearer(token))
            assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        lines = [json.loads(line) for line in running.log.getvalue().splitlines()]

    told = [
        (line["event"], line["actor"], line["tenant"], line["count"])
        for line in lines
        if line.get("action") == "export"
    ]
    assert told == [
        ("export began", "Wang", "one", 0),
        ("export ended", "Wang", "one", 1),
        ("export began", "Li", "two", 0),
        ("export ended", "Li", "two", 0),
    ]
    assert "投诉" not in running.log.getvalue()
