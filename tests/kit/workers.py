"""A worker of the service in the test's own process, on a real socket and a real store."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry

from answerby.api.v1 import decision_service_pb2_grpc as decision_rpc
from answerby.api.v1 import request_service_pb2_grpc as request_rpc
from answerby.api.v1 import rulebook_service_pb2_grpc as rulebook_rpc
from answerby.server.base.config import Config
from answerby.server.base.logs import make_logger
from answerby.server.base.services import utc_now
from answerby.server.worker import Worker
from tests.kit.patience import eventually, in_time


class Running:
    """A worker that runs, and clients of it."""

    def __init__(
        self,
        worker: Worker,
        channel: grpc.aio.Channel,
        log: io.StringIO,
        task: asyncio.Task[None],
        registry: CollectorRegistry,
    ) -> None:
        self.worker = worker
        self.registry = registry
        """What it counts."""
        self.channel = channel
        self.log = log
        self.task = task
        self.requests = request_rpc.RequestServiceStub(channel)
        self.decisions = decision_rpc.DecisionServiceStub(channel)
        self.rulebooks = rulebook_rpc.RulebookServiceStub(channel)
        self.health = health_pb2_grpc.HealthStub(channel)

    async def health_is(self, status: str, service: str = "") -> None:
        """Waits until the health service says so."""

        async def reached() -> bool:
            reply = await self.health.Check(health_pb2.HealthCheckRequest(service=service))
            return health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status) == status

        await eventually(reached, f"health {service!r} is {status}")


@asynccontextmanager
async def working(
    settings: Mapping[str, Any],
    log: io.StringIO,
    registry: CollectorRegistry | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[tuple[Worker, asyncio.Task[None]]]:
    """A worker that listens, and the task it runs in. Raises what keeps it from starting."""
    worker = Worker(Config.model_validate(settings), make_logger("debug", log), clock=clock, registry=registry)
    ready = asyncio.Event()
    task = asyncio.create_task(worker.run(ready=ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task
    try:
        yield worker, task
    finally:
        await finish(worker, task)


async def finish(worker: Worker, task: asyncio.Task[None]) -> None:
    """Lets a worker end its work."""
    worker.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await in_time(task)


@asynccontextmanager
async def launched(
    settings: Mapping[str, Any], *, serving: bool = True, clock: Callable[[], datetime] = utc_now
) -> AsyncIterator[Running]:
    """A worker and clients of it; `serving`: once its health service says so. It ends before the connection does.

    `clock` is the clock of its machine.
    """
    log, registry = io.StringIO(), CollectorRegistry()
    async with (
        working(settings, log, registry, clock) as (worker, task),
        grpc.aio.insecure_channel(f"127.0.0.1:{worker.port}") as channel,
    ):
        running = Running(worker, channel, log, task, registry)
        if serving:
            await running.health_is("SERVING")
        try:
            yield running
        finally:
            await finish(worker, task)
