"""Servers that fire no timers, so that these are past when the next server starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server import worker
from answerby.server.flow.timers import TimerLoop
from tests.kit.clients import make_event
from tests.kit.workers import Running


class Idle(TimerLoop):
    """Fires nothing: what a server leaves behind that ended before its timers were due."""

    async def run(self, stopping: asyncio.Event) -> None:
        await stopping.wait()


@asynccontextmanager
async def silent(launch: Callable[..., Any]) -> AsyncIterator[Running]:
    """A worker by `launch` that arms timers and fires none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(worker, "TimerLoop", Idle)
        async with launch() as running:
            yield running


async def leave_complaints(
    launch: Callable[..., Any], ages: Mapping[str, timedelta], others: Mapping[str, str] | None = None
) -> datetime:
    """Has a silent worker take complaints, by request the time since each was received. Returns when they count from.

    `others`: the texts of requests that are no complaints.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    async with silent(launch) as running:
        for number, (request_id, age) in enumerate(ages.items(), start=1):
            event = make_event(
                number,
                request_id=request_id,
                facts={"text.body": (others or {}).get(request_id, "I complain")},
                when=now - age,
            )
            await running.requests.SubmitEvent(pb.SubmitEventRequest(event=event))
    return now
