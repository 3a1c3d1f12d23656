"""A customer's message to a finished request, through a real worker and a real store: a new request begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc

from answerby.api.v1 import request_service_pb2 as pb
from tests.kit.patience import eventually

DAY = timedelta(days=1)


async def test_a_message_long_after_the_end_begins_a_new_request(running, make_event):
    now = datetime.now(UTC)
    told = [("received", 16 * DAY, {"text.body": "broken"}), ("completed", 15 * DAY, {})]
    told.append(("customer_replied", timedelta(), {"text.body": "another thing"}))
    for number, (kind, ago, facts) in enumerate(told, 1):
        event = make_event(number, request_id="R", type=f"request.{kind}", when=now - ago, facts=facts)
        reply = await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    assert "NEW_REQUEST_BY_REPLY" in [flag.code for flag in reply.decision.flags]

    async def begun() -> bool:
        try:
            found = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R+1"))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise
        return len(found.decisions) == 1

    await eventually(begun)
