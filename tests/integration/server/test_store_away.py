"""The store goes away and comes back: nothing is accepted meanwhile, nothing is lost, the worker stays up."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.store.embedded import EmbeddedValkey
from tests.kit.patience import eventually


async def test_a_restart_of_the_store_is_survived(settings, launch, make_event, data_folder):
    valkey = EmbeddedValkey(data_folder)
    valkey.start()
    try:
        settings["store"]["redis_url"] = valkey.url
        async with launch() as running:
            event = make_event(1, facts={"text.body": "I complain"})
            first = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
            await asyncio.to_thread(valkey.stop)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(2)))
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            details = rpc_status.from_call(caught.value).details
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            assert [detail.Unpack(info) or detail.Unpack(retry) for detail in details] == [True, True]
            assert info.reason == "STORE_UNAVAILABLE"
            # What needs no store goes on.
            await running.rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest())

            await asyncio.to_thread(valkey.start)

            async def back() -> bool:
                try:
                    again = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
                except grpc.aio.AioRpcError as error:
                    if error.code() != grpc.StatusCode.UNAVAILABLE:
                        raise
                    return False
                return again.duplicate and again.decision.number == first.decision.number

            await eventually(back)

            async def fired() -> bool:
                reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"))
                return reply.decisions[0].event_type == "timer.due"

            await eventually(fired)
    finally:
        await asyncio.to_thread(valkey.stop)
