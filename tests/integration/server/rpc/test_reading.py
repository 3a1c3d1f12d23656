"""Requests and decisions out: pages, explanations, evaluations."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import request_service_pb2 as pb


@pytest.fixture
async def five(running, make_event):
    """Five requests, the odd ones complaints."""
    facts = [{"text.body": "I complain" if number % 2 else "a question"} for number in range(1, 6)]
    events = [make_event(number, facts=given) for number, given in enumerate(facts, start=1)]
    await running.requests.SubmitEvents(pb.SubmitEventsRequest(events=events))
    return running


async def test_pages_hold_every_request_once(five):
    seen: list[str] = []
    token = ""
    while True:
        page = await five.requests.ListRequests(pb.ListRequestsRequest(page_size=2, page_token=token))
        seen += [request.request_id for request in page.requests]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["R-5", "R-4", "R-3", "R-2", "R-1"]


async def test_filters_are_combined(five):
    page = await five.requests.ListRequests(pb.ListRequestsRequest(categories=["complaint"], statuses=["open"]))
    assert [request.request_id for request in page.requests] == ["R-5", "R-3", "R-1"]


async def test_a_page_token_is_good_for_its_own_query_only(five):
    first = await five.requests.ListRequests(pb.ListRequestsRequest(page_size=2))
    for request in (
        pb.ListRequestsRequest(page_size=2, page_token=first.next_page_token, priorities=["high"]),
        pb.ListRequestsRequest(page_token="not a token"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await five.requests.ListRequests(request)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "page token" in caught.value.details()


@pytest.mark.parametrize("size", [-1, -500])
async def test_a_negative_page_size_is_refused(five, size):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await five.requests.ListRequests(pb.ListRequestsRequest(page_size=size))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_request_is_not_found(running):
    calls = [
        running.requests.GetRequest(pb.GetRequestRequest(request_id="nobody")),
        running.decisions.Explain(decision_pb.ExplainRequest(request_id="nobody")),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_decision_is_explained_in_both_languages(five):
    for language in ("", "en", "zh"):
        reply = await five.decisions.Explain(decision_pb.ExplainRequest(request_id="R-1", language_code=language))
        assert "angry" in reply.text
        assert "Somebody complains." in reply.text
        assert reply.decision.id == "R-1/1"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await five.decisions.Explain(decision_pb.ExplainRequest(request_id="R-1", language_code="fr"))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_an_evaluation_decides_and_stores_nothing(running, make_event):
    event = make_event(facts={"text.body": "I complain"})
    reply = await running.decisions.Evaluate(decision_pb.EvaluateRequest(event=event))
    assert reply.decision.facts["priority"].string_value == "high"
    assert not reply.decision.number
    assert reply.decision.explanation
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_an_evaluation_folds_the_history(running, make_event):
    event = make_event(2, request_id="R-1", type="request.updated", facts={"channel": "web"})
    history = [make_event(1, facts={"text.body": "I complain"})]
    reply = await running.decisions.Evaluate(decision_pb.EvaluateRequest(event=event, history=history))
    assert reply.decision.sequence == 2
    assert reply.decision.facts["category"].string_value == "complaint"


async def test_a_batch_of_evaluations_has_a_status_each(running, make_event):
    reply = await running.decisions.EvaluateBatch(
        decision_pb.EvaluateBatchRequest(events=[make_event(1), make_event(2, source="")], brief=True)
    )
    assert [(result.code, result.reason) for result in reply.results] == [(0, ""), (3, "INVALID_FIELDS")]
    assert reply.results[0].decision.facts["category"].string_value == "other"


async def test_an_evaluation_counts_what_is_stored(running, make_event):
    facts = {"text.body": "I complain", "customer.id": "c-1"}
    await running.requests.SubmitEvents(
        pb.SubmitEventsRequest(events=[make_event(number, facts=facts) for number in (1, 2)])
    )
    event = make_event(3, facts=facts)
    single = await running.decisions.Evaluate(decision_pb.EvaluateRequest(event=event))
    batch = await running.decisions.EvaluateBatch(decision_pb.EvaluateBatchRequest(events=[event]))
    assert single.decision.facts["priority"].string_value == "top"
    assert batch.results[0].decision.facts["priority"].string_value == "top"


async def test_the_count_and_the_list_of_a_request_agree_while_events_come(running, make_event):
    stub = running.requests
    await stub.SubmitEvent(pb.SubmitEventRequest(event=make_event(0, request_id="R-1")))

    async def hammer() -> None:
        for number in range(1, 200):
            event = make_event(number, request_id="R-1", type="request.updated")
            await stub.SubmitEvent(pb.SubmitEventRequest(event=event))

    task = asyncio.create_task(hammer())
    counts = set()
    while not task.done():
        reply = await stub.GetRequest(pb.GetRequestRequest(request_id="R-1", decision_limit=2))
        assert reply.decisions[0].sequence == reply.request.decision_count
        counts.add(reply.request.decision_count)
    await task
    assert len(counts) > 1
