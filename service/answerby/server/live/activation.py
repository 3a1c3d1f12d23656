"""Activation of a revision: every worker prepares it, then one pointer moves, then every worker follows.

The active revision stays live during the preparation and after any failure.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from answerby.domain.errors import (
    ActivationUnderWay,
    AnswerbyError,
    ApprovalRequired,
    NoPreviousRevision,
    RevisionNotFound,
    RevisionRefused,
    RulebookChanged,
    WorkerNotReady,
)
from answerby.server.base.config import Approval, RulesConfig
from answerby.server.base.logs import Logger
from answerby.server.base.services import Services
from answerby.server.live.checking.rule_check import close
from answerby.server.live.rule_files import RuleFiles
from answerby.server.live.rulebooks import Prepared, RulebookHolder, count_rules
from answerby.store.rulebooks.revision_records import (
    Action,
    ActivateOutcome,
    Activation,
    FileEntry,
    FolderName,
    Pointer,
    Revision,
    Staged,
    WorkerSeen,
)
from answerby.store.rulebooks.revisions import Keeping

LOOK_SECONDS = 0.02
FOLLOW_SECONDS = 2.0
"""Longest wait of the caller for all workers to follow. Later workers still follow."""
MOST_PREVIOUS = 20
ERRORS: dict[ActivateOutcome, type[AnswerbyError]] = {
    ActivateOutcome.MOVED: RulebookChanged,
    ActivateOutcome.GONE: RevisionNotFound,
    ActivateOutcome.WAITING: ApprovalRequired,
    ActivateOutcome.REJECTED: RevisionRefused,
}


@dataclass(frozen=True, slots=True)
class Order:
    """Action on the live rules, with its author and reason."""

    action: Action
    actor: str
    reason: str = ""
    folder: FolderName | None = None
    """Folder of the rules; None for rules from no folder."""
    etag: str = ""
    """Etag of the rulebook that the caller has seen; empty for any."""


def etag_of(pointer: Pointer | None) -> str:
    """Etag of the active rulebook. Every activation changes the etag."""
    return f"g{pointer.generation}" if pointer is not None else "g0"


class Activator:
    """Puts revisions of the store live. `worker` is the name of this process among the workers."""

    def __init__(self, services: Services, holder: RulebookHolder, settings: RulesConfig, worker: str) -> None:
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._now = services.clock
        self._holder = holder
        self._settings = settings
        self._worker = worker

    @property
    def approval_required(self) -> bool:
        return self._settings.approval is Approval.REQUIRED

    @property
    def keeping(self) -> Keeping:
        return Keeping(self._settings.revisions_kept, self.approval_required)

    async def put_live(self, prepared: Prepared, order: Order) -> bool:
        """Puts the revision live. Returns False when the revision was live already.

        Raises RulebookChanged, ActivationUnderWay, WorkerNotReady, or the error that forbids this revision. An error
        changes nothing.
        """
        offered = False
        try:
            async with self._stage(prepared.revision) as staged:
                before = await self.expected(order)
                if before is not None and before.revision == prepared.revision:
                    return False
                self._holder.offer(prepared)
                offered = True
                await self._wait_for_workers(staged)
                await self._move(self._pointer(prepared.revision, order, before), order, before, staged)
        finally:
            if not offered:
                close(prepared.compiled)
            elif self._holder.ready is prepared:
                self._holder.withdraw()
        return True

    async def give_back(self) -> None:
        """Restores a lost rulebook in the store from the rulebook of this worker, unless another worker is first."""
        current, pointer = self._holder.current, self._holder.status.pointer
        if current is None or pointer is None:
            return
        now = self._now()
        rulebook = current.compiled.rulebook
        revision = Revision(
            revision=current.revision,
            author=pointer.actor,
            created=now,
            reason=pointer.reason,
            folder=pointer.folder,
            rules=count_rules(rulebook),
            files=[FileEntry(file.path, file.sha256) for file in rulebook.files],
        )
        await self._store.revisions.save(revision, current.files, RuleFiles(current.files).digest, self.keeping, now)
        order = Order(Action.RESTORE, pointer.actor, pointer.reason, pointer.folder)
        again = self._pointer(current.revision, order, None)
        # The revision was live, so it needs no second approval.
        entry = _entry(order, again, None)
        if await self._store.revisions.activate(again, entry, 0) is ActivateOutcome.OK:
            self._holder.follow(again)
            log_action(self._logger, entry)

    async def expected(self, order: Order) -> Pointer | None:
        """The active pointer. Raises RulebookChanged when the caller has seen another rulebook."""
        before = await self._store.revisions.active()
        if order.etag and order.etag != etag_of(before):
            raise RulebookChanged
        return before

    async def previous(self, order: Order) -> str:
        """Target revision of a rollback. Raises NoPreviousRevision and RulebookChanged."""
        before = await self.expected(order)
        for revision in before.previous if before is not None else ():
            if await self._store.revisions.get(revision) is not None:
                return revision
        raise NoPreviousRevision

    @asynccontextmanager
    async def _stage(self, revision: str) -> AsyncIterator[Staged]:
        """Stages the revision for the block; the other workers prepare it. All workers share one stage."""
        staged = Staged(revision, secrets.token_hex(8))
        patience = timedelta(seconds=self._settings.prepare_seconds + 10)
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._settings.prepare_seconds
        while not await self._store.workers.stage(staged, patience):
            if clock() > deadline:
                raise ActivationUnderWay
            await asyncio.sleep(LOOK_SECONDS)
        try:
            yield staged
        finally:
            await self._store.workers.unstage(staged)

    async def _wait_for_workers(self, staged: Staged) -> None:
        """Waits until every other worker has the revision ready.

        A worker that cannot run the revision stops the activation. A late worker does not.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._settings.prepare_seconds
        while others := await self._others():
            refused = [w for w in others if w.beat.refused == staged.token]
            if refused:
                names = "; ".join(f"{worker.name}: {worker.beat.problem}" for worker in refused)
                raise WorkerNotReady(f"nothing went live, for a worker cannot run the revision: {names}")
            late_workers = [w.name for w in others if staged.revision not in (w.beat.prepared, w.beat.revision)]
            if not late_workers:
                return
            if clock() > deadline:
                self._logger.warning("workers not ready in time", workers=late_workers, revision=staged.revision)
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _move(self, pointer: Pointer, order: Order, before: Pointer | None, staged: Staged) -> None:
        generation = before.generation if before is not None else 0
        entry = _entry(order, pointer, before)
        outcome = await self._store.revisions.activate(
            pointer, entry, generation, approval_required=self.approval_required, staged=staged
        )
        if outcome is not ActivateOutcome.OK:
            raise ERRORS[outcome]
        self._holder.follow(pointer)
        self._metrics.rulebook_action(order.action)
        log_action(self._logger, entry)
        await self._wait_for_followers(pointer)

    async def _wait_for_followers(self, pointer: Pointer) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + FOLLOW_SECONDS
        while clock() < deadline:
            if all(worker.beat.generation >= pointer.generation for worker in await self._others()):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _others(self) -> list[WorkerSeen]:
        scene = await self._store.workers.look()
        return [worker for worker in scene.workers if worker.live and worker.name != self._worker]

    def _pointer(self, revision: str, order: Order, before: Pointer | None) -> Pointer:
        return Pointer(
            revision=revision,
            # After the loss of a store the count continues from the workers. The count never goes back.
            generation=max(before.generation if before is not None else 0, self._holder.status.generation) + 1,
            activated=self._now(),
            actor=order.actor,
            reason=order.reason,
            folder=order.folder,
            previous=_previous(revision, order, before),
        )


def _entry(order: Order, pointer: Pointer, before: Pointer | None) -> Activation:
    return Activation(
        action=order.action,
        time=pointer.activated,
        actor=order.actor,
        reason=order.reason,
        before=before.revision if before is not None else "",
        after=pointer.revision,
        generation=pointer.generation,
    )


def log_action(logger: Logger, entry: Activation) -> None:
    """Writes the audit line."""
    logger.info(
        "rulebook action",
        action=entry.action.value,
        actor=entry.actor,
        revision=entry.after,
        before=entry.before,
        generation=entry.generation,
    )


def _previous(revision: str, order: Order, before: Pointer | None) -> list[str]:
    """Earlier revisions, newest first. A second rollback goes further back, never to the revision just left."""
    if before is None:
        return []
    if order.action is Action.ROLLBACK and revision in before.previous:
        return before.previous[before.previous.index(revision) + 1 :]
    return [before.revision, *(name for name in before.previous if name != revision)][:MOST_PREVIOUS]
