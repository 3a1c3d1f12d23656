"""The rules of one worker, wired together: start, follow, watch the folder, answer RulebookService."""

from __future__ import annotations

import asyncio
import secrets
import socket

from service.server.activation import Activator
from service.server.candidates import CandidateDesk
from service.server.changes import Changes
from service.server.config import Approval, Config
from service.server.folder_watch import FolderWatch
from service.server.following import Follower
from service.server.logs import Logger
from service.server.metrics import Metrics
from service.server.preparing import Preparer
from service.server.rpc_rulebook import RulebookServicer
from service.server.rulebooks import RulebookHolder
from service.server.snapshots import Snapshots, keep_copies
from service.server.starting import Settled, Start
from service.server.trial import Trial
from service.store.store import Store


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
        self._changes = Changes(store, rulebooks, self._preparer, activator, settings, machine, metrics, logger)
        self._follower = Follower(store, rulebooks, self._preparer, self._changes, worker, metrics, logger)
        self._desk = CandidateDesk(store, self._changes, rulebooks)
        self.trial = Trial(store, self._preparer, metrics, logger)
        """The candidate that decides beside the active rules."""
        self._settled = Settled("", None)

    @property
    def _approval_required(self) -> bool:
        return self._settings.approval is Approval.REQUIRED

    def servicer(self) -> RulebookServicer:
        return RulebookServicer(
            self._store,
            self._rulebooks,
            self._changes,
            self._follower,
            self._desk,
            self.trial,
            approval_required=self._approval_required,
        )

    async def start(self) -> None:
        """Before the worker serves: afterwards it decides, or shows why it cannot."""
        snapshots = None if self._approval_required else self._snapshots
        start = Start(self._store, self._changes, self._follower, snapshots, self._settings.folder, self._logger)
        self._settled = await start.run()
        self._preparer.inline = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follower.run(stopping))
            group.create_task(self.trial.run(stopping))
            if self._slot == 0:
                group.create_task(keep_copies(self._snapshots, self._rulebooks, stopping, self._logger))
            if self._slot == 0 and self._settings.watch:
                watch = FolderWatch(self._settings, self._changes, self._preparer, self._settled, self._logger)
                group.create_task(watch.run(stopping))

    async def close(self) -> None:
        await self._preparer.close()
