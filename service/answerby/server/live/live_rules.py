"""The rules of one worker, wired together: start, follow, watch the folder."""

from __future__ import annotations

import asyncio
import secrets
import socket

from answerby.server.base.config import Approval, Config
from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics
from answerby.server.live.activation import Activator
from answerby.server.live.candidate_trial import Trial
from answerby.server.live.candidates import CandidateDesk
from answerby.server.live.changes import Changes
from answerby.server.live.folder_watch import FolderWatch
from answerby.server.live.following import Follower
from answerby.server.live.preparing import Preparer
from answerby.server.live.rulebooks import RulebookHolder
from answerby.server.live.snapshots import Snapshots, keep_copies
from answerby.server.live.starting import Settled, Start
from answerby.store.store import Store


class LiveRules:
    """`slot` tells the workers of a machine apart; slot 0 does what one process of a machine has to do."""

    def __init__(
        self,
        config: Config,
        store: Store,
        rulebooks: RulebookHolder,
        slot: int,
        metrics: Metrics,
        logger: Logger,
    ) -> None:
        settings = config.rules
        self._settings = settings
        self._store = store
        self._rulebooks = rulebooks
        self._slot = slot
        self._logger = logger
        self._snapshots = Snapshots(config.store.data_folder / "rulebooks")
        self._preparer = Preparer(settings.engine, metrics, logger)
        machine = socket.gethostname()
        # Two servers on one machine have the same slots, so chance tells them apart.
        worker = f"{machine}-{slot}-{secrets.token_hex(3)}"
        activator = Activator(store, rulebooks, settings, worker, metrics, logger)
        self.changes = Changes(store, rulebooks, self._preparer, activator, settings, machine, metrics, logger)
        self.follower = Follower(store, rulebooks, self._preparer, self.changes, worker, metrics, logger)
        self.desk = CandidateDesk(store, self.changes, rulebooks)
        self.trial = Trial(store, self._preparer, metrics, logger)
        """The candidate that decides beside the active rules."""
        self._settled = Settled("", None)

    @property
    def approval_required(self) -> bool:
        return self._settings.approval is Approval.REQUIRED

    async def start(self) -> None:
        """Before the worker serves: afterwards it decides, or shows why it cannot."""
        snapshots = None if self.approval_required else self._snapshots
        start = Start(self._store, self.changes, self.follower, snapshots, self._settings.folder, self._logger)
        self._settled = await start.run()
        self._preparer.inline = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follower.run(stopping))
            group.create_task(self.trial.run(stopping))
            if self._slot == 0:
                group.create_task(keep_copies(self._snapshots, self._rulebooks, stopping, self._logger))
            if self._slot == 0 and self._settings.watch:
                watch = FolderWatch(self._settings, self.changes, self._preparer, self._settled, self._logger)
                group.create_task(watch.run(stopping))

    async def close(self) -> None:
        await self._preparer.close()
