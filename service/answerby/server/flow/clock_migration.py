"""MigrateClocks: running clocks of live requests take the values of the active rules, after a preview."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from answerby.domain.request import RequestState, RequestStatus
from answerby.engine.migration import Migration, Move, has_live_clocks, migration
from answerby.server.base.services import Services
from answerby.server.flow.processing.processor import Processor
from answerby.server.flow.processing.submission import Origin, Submission
from answerby.server.live.rulebooks import RulebookHolder
from answerby.sla.clocks import definition_of
from answerby.store.records import RequestFilter

PAGE = 100
YIELD_EVERY = 10
"""Number of requests between two turns for other calls."""
LIVE_STATUSES = tuple(
    status.value for status in RequestStatus if status not in (RequestStatus.CLOSED, RequestStatus.MERGED)
)


class RulebookMoved(AnswerbyError):
    """Another revision went live meanwhile. Migrated requests stay migrated; callers start again with a preview."""

    reason = "RULEBOOK_MOVED"


class MovedClock(NamedTuple):
    """Clock that a migration moves or would move, in its state at `moment`."""

    request: RequestState
    move: Move
    moment: datetime


class Job(NamedTuple):
    """Parameters and caller of a migration."""

    tenant: str
    caller: str
    clocks: tuple[str, ...]
    preview: bool
    most: int
    """Most requests to examine; 0 for all."""


@dataclass(slots=True)
class Progress:
    """Result of a migration so far."""

    revision: str
    examined: int = 0
    changed: int = 0
    failed: int = 0
    moved: list[MovedClock] = field(default_factory=list)
    """Clocks of the latest page."""
    done: bool = False


class Migrator:
    """Migrates the live requests of a tenant, newest first, one page after the other."""

    def __init__(self, services: Services, processor: Processor, rulebooks: RulebookHolder) -> None:
        self._store = services.store
        self._logger = services.logger
        self._now = services.clock
        self._processor = processor
        self._rulebooks = rulebooks

    async def run(self, job: Job) -> AsyncIterator[Progress]:
        """The progress after each page, always as the same object. Raises AnswerbyError."""
        with self._rulebooks.use() as live:
            revision = live.compiled.rulebook.revision
            unknown = [name for name in job.clocks if definition_of(live.compiled.rulebook.clocks, name) is None]
        if unknown:
            raise InvalidInput([FieldViolation("clocks", f"{', '.join(unknown)}: there is no such clock")])
        self._log("migration began", job, revision, 0)
        progress = Progress(revision)
        token = ""
        while True:
            limit = PAGE if not job.most else min(PAGE, job.most - progress.examined)
            page = await self._store.listing.page(job.tenant, RequestFilter(statuses=LIVE_STATUSES), token, limit)
            progress.moved.clear()
            await self._page(job, page.requests, progress)
            progress.examined += len(page.unreadable)
            progress.failed += len(page.unreadable)
            token = page.next_token
            progress.done = not token or bool(job.most and progress.examined >= job.most)
            yield progress
            if progress.done:
                break
        self._log("migration ended", job, revision, progress.changed)

    async def _page(self, job: Job, states: Sequence[RequestState], progress: Progress) -> None:
        migrations: list[tuple[RequestState, Migration]] = []
        now = self._now()
        for place, state in enumerate(states):
            progress.examined += 1
            if has_live_clocks(state):
                migrations += [(state, plan) for plan in self._planned(job, state, progress.revision, now)]
            if place % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        if not job.preview:
            submissions = [Submission(plan.event, Origin.RPC) for _, plan in migrations]
            for (state, _), fate in zip(migrations, await self._processor.process_many(submissions), strict=True):
                if isinstance(fate, AnswerbyError):
                    progress.failed += 1
                    self._logger.warning(
                        "not migrated", tenant=state.tenant, request_id=state.request_id, reason=fate.reason
                    )
        progress.changed += len(migrations)
        for state, plan in migrations:
            progress.moved.extend(MovedClock(state, move, now) for move in plan.moves)

    def _planned(self, job: Job, state: RequestState, revision: str, now: datetime) -> list[Migration]:
        with self._rulebooks.use() as live:
            if live.compiled.rulebook.revision != revision:
                raise RulebookMoved
            plan = migration(live.compiled, state, job.clocks, now)
        return [plan] if plan.needed else []

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
