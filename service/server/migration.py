"""MigrateClocks: running clocks of live requests take what the active rules say, after a preview."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from service.api.answerby.v1 import request_service_pb2 as pb
from service.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from service.domain.request import RequestState, RequestStatus
from service.engine.clock_story import target_text
from service.engine.migration import Migration, Move, has_live_clocks, migration
from service.server.encode import clock_to
from service.server.logs import Logger
from service.server.process import Origin, Processor, Submission
from service.server.rulebooks import RulebookHolder
from service.sla.clocks import definition_of
from service.store.records import RequestFilter
from service.store.store import Store

PAGE = 100
YIELD_EVERY = 10
"""Requests decided between two turns for other calls."""
LIVE_STATUSES = tuple(
    status.value for status in RequestStatus if status not in (RequestStatus.CLOSED, RequestStatus.MERGED)
)


class RulebookMoved(AnswerbyError):
    """Another revision went live meanwhile; what was migrated stays so: look at a new preview, then start again."""

    reason = "RULEBOOK_MOVED"


class Job(NamedTuple):
    """What was asked for, and by whom."""

    tenant: str
    caller: str
    clocks: tuple[str, ...]
    preview: bool
    most: int
    """Requests looked at; 0: all."""


class Migrator:
    """Goes over the live requests of a tenant, newest first, one page after the other."""

    def __init__(self, processor: Processor, store: Store, rulebooks: RulebookHolder, logger: Logger) -> None:
        self._processor = processor
        self._store = store
        self._rulebooks = rulebooks
        self._logger = logger

    async def run(self, job: Job) -> AsyncIterator[pb.MigrateClocksResponse]:
        """One message per page, counts up to then. Raises AnswerbyError."""
        with self._rulebooks.use() as live:
            revision = live.compiled.rulebook.revision
            unknown = [name for name in job.clocks if definition_of(live.compiled.rulebook.clocks, name) is None]
        if unknown:
            raise InvalidInput([FieldViolation("clocks", f"{', '.join(unknown)}: there is no such clock")])
        self._log("migration began", job, revision, 0)
        told = pb.MigrateClocksResponse(revision=revision)
        token = ""
        while True:
            limit = PAGE if not job.most else min(PAGE, job.most - told.examined)
            page = await self._store.list_requests(job.tenant, RequestFilter(statuses=LIVE_STATUSES), token, limit)
            del told.moved[:]
            await self._page(job, page.requests, told)
            token = page.next_token
            told.done = not token or bool(job.most and told.examined >= job.most)
            yield told
            if told.done:
                break
        self._log("migration ended", job, revision, told.changed)

    async def _page(self, job: Job, states: Sequence[RequestState], told: pb.MigrateClocksResponse) -> None:
        found: list[tuple[RequestState, Migration]] = []
        now = datetime.now(UTC)
        for place, state in enumerate(states):
            told.examined += 1
            if has_live_clocks(state):
                found += [(state, planned) for planned in self._planned(job, state, told.revision, now)]
            if place % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        if not job.preview:
            submissions = [Submission(planned.event, Origin.RPC) for _, planned in found]
            for (state, _), fate in zip(found, await self._processor.process_many(submissions), strict=True):
                if isinstance(fate, AnswerbyError):
                    told.failed += 1
                    self._logger.warning(
                        "not migrated", tenant=state.tenant, request_id=state.request_id, reason=fate.reason
                    )
        told.changed += len(found)
        for state, planned in found:
            told.moved.extend(_move(state, move, now) for move in planned.moves)

    def _planned(self, job: Job, state: RequestState, revision: str, now: datetime) -> list[Migration]:
        with self._rulebooks.use() as live:
            if live.compiled.rulebook.revision != revision:
                raise RulebookMoved
            planned = migration(live.compiled, state, job.clocks, now)
        return [planned] if planned.needed else []

    def _log(self, what: str, job: Job, revision: str, count: int) -> None:
        self._logger.info(
            what,
            action="migrate",
            actor=job.caller,
            tenant=job.tenant,
            revision=revision,
            preview=job.preview,
            clocks=list(job.clocks),
            count=count,
        )


def job_of(request: pb.MigrateClocksRequest, tenant: str, caller: str) -> Job:
    """What a call asks for. Raises InvalidInput."""
    if request.limit < 0:
        raise InvalidInput([FieldViolation("limit", "must not be negative; 0 is all")])
    return Job(tenant, caller, tuple(request.clocks), request.preview, request.limit)


def _move(state: RequestState, move: Move, now: datetime) -> pb.MovedClock:
    message = pb.MovedClock(request_id=state.request_id, number=state.number, name=move.name)
    if move.before is not None:
        message.before.CopyFrom(clock_to(move.before, now))
        message.target_before = target_text(move.before.target)
    if move.after is not None:
        message.after.CopyFrom(clock_to(move.after, now))
        message.target_after = target_text(move.after.target)
    return message
