"""Decisions on a running server, through SubmitEvents, with several batches at a time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import grpc.aio

from answerby.api.v1 import request_service_pb2 as rpc
from answerby.api.v1 import resources_pb2 as pb
from answerby.api.v1.request_service_pb2_grpc import RequestServiceStub
from answerby.cli.client import Server
from answerby.cli.patience import Patience
from answerby.cli.replay.outcome import Outcome, Refused, from_message
from answerby.cli.replay.planner import Planned
from answerby.cli.submission import CALL_SECONDS, Submission, batches
from answerby.server.rpc.event_messages import event_to

if TYPE_CHECKING:
    from answerby.api.v1.request_service_pb2_grpc import RequestServiceAsyncStub

Decided = tuple[Planned, Outcome | Refused]
MAX_BATCH = 500
CHUNK_ROUNDS = 4
"""Batches for each lane that are planned together. The next are planned once all of them are decided."""


class RemoteDecider:
    """Submits events as historical ones. Events of one request use the same lane, so they keep their order."""

    def __init__(self, server: Server, *, lanes: int, batch: int, brief: bool) -> None:
        self._server = server
        self._lanes = lanes
        self._batch = min(batch, MAX_BATCH)
        self._brief = brief

    async def decide_all(self, plan: Iterable[Planned]) -> AsyncIterator[Decided]:
        """Results in the order of the plan. Raises grpc.RpcError if the server does not come back."""
        plan = iter(plan)
        async with self._server.connect_async() as channel:
            stub = RequestServiceStub(channel)
            while chunk := list(islice(plan, self._batch * self._lanes * CHUNK_ROUNDS)):
                for decided in await self._decide_chunk(stub, chunk):
                    yield decided

    async def _decide_chunk(self, stub: RequestServiceAsyncStub, chunk: list[Planned]) -> list[Decided]:
        lanes: list[list[int]] = [[] for _ in range(self._lanes)]
        for position, planned in enumerate(chunk):
            lanes[zlib.crc32(planned.event.request_id.encode()) % self._lanes].append(position)
        results: list[Outcome | Refused] = [Refused("")] * len(chunk)

        async def drive(lane: list[int]) -> None:
            messages = [event_to(chunk[position].event) for position in lane]
            for batch in batches(messages, self._batch):
                outcomes = await self._submit(stub, messages[batch])
                for position, outcome in zip(lane[batch], outcomes, strict=True):
                    results[position] = outcome

        await asyncio.gather(*(drive(lane) for lane in lanes))
        return list(zip(chunk, results, strict=True))

    async def _submit(self, stub: RequestServiceAsyncStub, messages: Sequence[pb.Event]) -> list[Outcome | Refused]:
        submission = Submission(messages, Patience(self._server.patience), historical=True, brief=self._brief)
        wait: float | None = 0.0
        while wait is not None:
            await asyncio.sleep(wait)
            try:
                response: rpc.SubmitEventsResponse = await stub.SubmitEvents(
                    submission.request, metadata=self._server.metadata, timeout=CALL_SECONDS
                )
            except grpc.aio.AioRpcError as error:
                wait = submission.failed(error)
            else:
                wait = submission.answered(response)
        return [outcome_of(result) for result in submission.results]


def outcome_of(result: rpc.SubmitEventResult) -> Outcome | Refused:
    if result.code == 0:
        return from_message(result.decision, duplicate=result.duplicate)
    violations = "; ".join(f"{v.field}: {v.description}" for v in result.violations)
    return Refused(f"{result.reason}: {violations or result.message}")
