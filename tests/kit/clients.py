"""Clients of a service: events as a CRM sends them, sent until they are taken."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import resources_pb2 as resources
from tests.kit.patience import PATIENCE, eventually

AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}
"""After these a client sends once more."""


def make_event(number: int = 1, **changes: Any) -> resources.Event:
    """The first event of request R-`number`, received now with a short text, but for the changes; `when` is its time."""
    facts = changes.pop("facts", {"text.body": "hello"})
    stamp = Timestamp()
    stamp.FromDatetime(changes.pop("when", datetime.now(UTC)))
    values: dict[str, Any] = {
        "id": f"e-{number}",
        "source": "crm/test",
        "type": "request.received",
        "request_id": f"R-{number}",
        "time": stamp,
    }
    given = {name: resources.FactValue(string_value=value) for name, value in facts.items()}
    return resources.Event(**(values | changes), facts=given)


async def insist(call: Any, message: Any) -> Any:
    """The reply to a call that is sent again while the service is away."""

    async def replied() -> Any:
        try:
            return await call(message, wait_for_ready=True, timeout=PATIENCE / 6)
        except grpc.aio.AioRpcError as error:
            if error.code() not in AGAIN:
                raise
        return None

    return await eventually(replied, f"a reply to {type(message).__name__}")


async def submit(address: str, events: Sequence[resources.Event]) -> pb.SubmitEventsResponse:
    """Sends a batch over a connection of its own."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        return await insist(rpc.RequestServiceStub(channel).SubmitEvents, pb.SubmitEventsRequest(events=events))
