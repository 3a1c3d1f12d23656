"""Following of the active revision: every worker reports its revision, reads the active one, prepares and follows.

Two loops run: the beat, which nothing delays, and the work that the beat starts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

from answerby.domain.errors import AnswerbyError, StoreUnavailable
from answerby.server.base.loops import repeat
from answerby.server.base.services import Services
from answerby.server.live.changes import Changes
from answerby.server.live.checking.rule_check import close
from answerby.server.live.preparing import Preparer
from answerby.server.live.rule_files import RulesFolder
from answerby.server.live.rulebooks import Prepared, RulebookHolder
from answerby.store import schema
from answerby.store.rulebooks.revision_records import Heartbeat, Pointer, Scene, Staged

BEAT_SECONDS = 0.25
STAGED_BEAT_SECONDS = 0.02
"""Interval of beats during an activation."""
AGAIN_SECONDS = 5.0
"""Pause before the next attempt to follow a failed revision."""


class Follower:
    """Keeps one worker on the active revision. `worker` is the name of the worker."""

    def __init__(
        self,
        services: Services,
        holder: RulebookHolder,
        preparer: Preparer,
        changes: Changes,
        worker: str,
        folder: RulesFolder,
    ) -> None:
        self._services = services
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._holder = holder
        self._preparer = preparer
        self._changes = changes
        self._worker = worker
        self._folder = folder
        self._scene = Scene(None, None, None, [])
        self._news = asyncio.Event()
        self._as_of: Pointer | None = None
        """Pointer that was followed at the request for the scene. A scene of an older pointer is ignored."""
        self._trouble = ""
        self._refused = ""
        self._not_before = 0.0
        self._failed = ""
        self._older: list[str] = []
        """Workers of an earlier version that use the store, as last reported."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beats(stopping))
            group.create_task(self._work(stopping))
        with contextlib.suppress(StoreUnavailable):
            await self._store.workers.forget(self._worker)

    async def catch_up(self) -> None:
        """Follows the pointer that is active now."""
        self._as_of = self._holder.status.pointer
        self._scene = await self._store.workers.look()
        self._holder.set_problem(self._scene.problem)
        await self._act()

    async def scene(self) -> Scene:
        """Scene of all workers now, or the last known scene while the store is away."""
        with contextlib.suppress(StoreUnavailable):
            return await self._store.workers.beat(self._worker, self._own_beat())
        return self._scene

    async def _beats(self, stopping: asyncio.Event) -> None:
        await repeat("rulebook", self._beat, stopping, self._services)
        self._news.set()

    async def _beat(self) -> float:
        status = self._holder.status
        reports = self._holder.reports
        scene = await self._store.workers.beat(self._worker, self._own_beat())
        if self._holder.status.pointer is not status.pointer:
            return 0.0
        self._scene, self._as_of = scene, status.pointer
        self._report_older(scene)
        if self._holder.reports == reports:
            self._holder.set_problem(scene.problem)
        self._metrics.rulebook_follows(status.generation, skew(scene))
        if self._has_work(scene):
            self._news.set()
        return STAGED_BEAT_SECONDS if scene.staged is not None else BEAT_SECONDS

    def _report_older(self, scene: Scene) -> None:
        """Reports workers of an earlier version. They see no request of this version, and it sees none of theirs."""
        older = [worker.name for worker in scene.workers if worker.live and worker.beat.schema < schema.CURRENT]
        if older and older != self._older:
            self._logger.error(
                "a server of an earlier version uses this store",
                workers=older,
                warning="stop it now; what it accepts is stored under names that this version does not read",
            )
        self._older = older

    def _own_beat(self) -> Heartbeat:
        status, ready = self._holder.status, self._holder.ready
        return Heartbeat(
            revision=status.revision,
            generation=status.generation,
            prepared=ready.revision if ready is not None else "",
            problem=self._trouble,
            refused=self._refused,
            folder=self._folder.name.path,
            schema=schema.CURRENT,
        )

    def _has_work(self, scene: Scene) -> bool:
        behind = scene.active != self._holder.status.pointer
        return behind or (scene.staged is not None and not self._holder.has(scene.staged.revision))

    async def _work(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._news.wait()
            self._news.clear()
            try:
                await self._act()
            except StoreUnavailable:
                continue
            except AnswerbyError as error:
                self._set_trouble(error.message)

    async def _act(self) -> None:
        scene, followed = self._scene, self._as_of
        if followed is not self._holder.status.pointer:
            return
        if scene.active is None and self._holder.current is not None:
            await self._changes.give_back()
        elif scene.active is None:
            if scene.staged is not None:
                await self._make_ready(scene.staged)
        elif self._holder.follow(scene.active):
            self._set_trouble("")
            if scene.staged is not None:
                await self._make_ready(scene.staged)
        elif not self._waits(scene.active.revision):
            prepared = await self._prepare(scene.active.revision)
            if prepared is not None:
                self._go_to(prepared, scene.active, followed)

    def _waits(self, revision: str) -> bool:
        """Whether the revision failed a short time ago and waits for its next attempt."""
        return revision == self._failed and asyncio.get_running_loop().time() < self._not_before

    def _go_to(self, prepared: Prepared, pointer: Pointer, followed: Pointer | None) -> None:
        if self._holder.status.pointer is not followed:
            close(prepared.compiled)  # this worker itself has put another revision live meanwhile
            return
        self._holder.offer(prepared)
        self._holder.follow(pointer)
        self._set_trouble("")

    async def _make_ready(self, staged: Staged) -> None:
        if self._holder.has(staged.revision) or self._refused == staged.token:
            return
        prepared = await self._prepare(staged.revision)
        if prepared is None:
            self._refused = staged.token
        elif self._scene.staged == staged:
            self._holder.offer(prepared)
        else:
            close(prepared.compiled)

    async def _prepare(self, revision: str) -> Prepared | None:
        """Prepared revision; None for a revision that cannot run here. The status then shows the reason."""
        try:
            files = await self._store.revisions.files(revision)
            if files is None:
                self._set_trouble(f"revision {revision} is not in the store")
                return None
            return await self._preparer.prepare(revision, files)
        except StoreUnavailable:
            raise
        except AnswerbyError as error:
            self._failed, self._not_before = revision, asyncio.get_running_loop().time() + AGAIN_SECONDS
            self._set_trouble(f"revision {revision} cannot run here: {error.message}")
            return None

    def _set_trouble(self, reason: str) -> None:
        if reason and reason != self._trouble:
            self._logger.error("rulebook cannot be followed", revision=self._holder.status.revision)
        self._trouble = reason
        self._holder.set_trouble(reason)


def skew(scene: Scene) -> int:
    """Number of live workers with another rulebook: not the active one, or read differently from the same files."""
    live = [worker.beat for worker in scene.workers if worker.live]
    if scene.active is None or not live:
        return 0
    following = [beat for beat in live if beat.generation == scene.active.generation]
    usual = Counter(beat.revision for beat in following).most_common(1)
    return len(live) - (usual[0][1] if usual else 0)
