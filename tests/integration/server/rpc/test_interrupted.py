"""Calls that a drain or a failure interrupts are answered, and the answer says whether the event was stored."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime

import grpc
import grpc.aio
import pytest
from grpc_status import rpc_status

from answerby.api.v1 import request_service_pb2 as pb
from answerby.store.embedded import EmbeddedValkey
from tests.kit.clients import insist
from tests.kit.patience import eventually
from tests.kit.refusals import error_info

ROUNDS, CALLS = 3, 40
WHEN = datetime(2026, 3, 2, tzinfo=UTC)


def told(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    """The reason of an error, and whether the event was stored."""
    info = error_info(error)
    return info.reason, info.metadata.get("stored", "")


async def fate_of(call) -> str:
    """yes, no or unknown: whether the event was stored, as the caller hears it."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() == grpc.StatusCode.CANCELLED:
            return "no"  # it came at the very moment of the stop, and no handler had begun
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise
        if rpc_status.from_call(error) is None:
            return "unknown"  # the server had gone when the call came
        return " ".join(told(error)).removeprefix("DRAINING ")
    return "yes"


async def test_a_drain_without_patience_says_of_each_event_whether_it_was_stored(settings, launch, make_event) -> None:
    settings["server"]["drain_seconds"] = 0
    fates: dict[int, str] = {}
    for round_ in range(ROUNDS):
        numbers = range(1 + round_ * CALLS, 1 + (round_ + 1) * CALLS)
        async with launch() as running:
            calls = {
                n: running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(n, when=WHEN))) for n in numbers
            }
            first = asyncio.ensure_future(fate_of(calls[numbers[round_ * 10]]))
            await first
            running.worker.stop()
            found = await asyncio.gather(*(fate_of(call) for call in calls.values()))
        fates |= dict(zip(numbers, found, strict=True))
    assert set(fates.values()) <= {"yes", "no", "unknown"}
    async with launch() as running:
        for number, fate in fates.items():
            again = await insist(
                running.requests.SubmitEvent, pb.SubmitEventRequest(event=make_event(number, when=WHEN))
            )
            assert fate == "unknown" or again.duplicate == (fate == "yes"), (number, fate)


async def test_a_call_that_waits_for_the_store_is_answered_at_the_end(
    settings, launch, make_event, data_folder
) -> None:
    valkey = EmbeddedValkey(data_folder)
    valkey.start()
    settings["store"]["redis_url"] = valkey.url
    settings["server"]["drain_seconds"] = 0
    async with launch() as running:
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(1)))
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            call = running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(2)))
            await eventually(lambda: running.worker.calls_in_progress == 1, "the call is in progress")
            running.worker.stop()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert told(caught.value) == ("DRAINING", "no")
    await asyncio.to_thread(valkey.stop)
