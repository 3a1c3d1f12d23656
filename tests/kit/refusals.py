"""Refusals of calls: what a client reads of them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


def error_info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    """The first detail of an error: its reason and metadata."""
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    return info


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str]:
    """The code and the reason of a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), error_info(caught.value).reason


async def refusal_reason(call: Awaitable[Any]) -> str:
    """The reason of a call that must be refused."""
    _, reason = await refused(call)
    return reason
