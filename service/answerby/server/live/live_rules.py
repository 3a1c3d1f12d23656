"""The live rules of one worker: start, following, and watch over the folder."""

from __future__ import annotations

import asyncio
import secrets
import socket

from answerby.server.base.config import Approval, Config
from answerby.server.base.services import Services
from answerby.server.live.activation import Activator
from answerby.server.live.candidate_trial import Trial
from answerby.server.live.candidates import CandidateTrials
from answerby.server.live.changes import Changes
from answerby.server.live.folder_watch import FolderWatch
from answerby.server.live.following import Follower
from answerby.server.live.precedence import Precedence
from answerby.server.live.preparing import Preparer
from answerby.server.live.rule_files import RulesFolder
from answerby.server.live.rulebooks import RulebookHolder
from answerby.server.live.rules_origin import DEMO, check_origin
from answerby.server.live.snapshots import Snapshots, copies_folder, keep_copies
from answerby.server.live.starting import FOLDER, Settled, Start


class LiveRules:
    """Live rules of one worker. `slot` numbers the workers of a machine; slot 0 has the tasks of one process only."""

    def __init__(self, services: Services, config: Config, rulebooks: RulebookHolder, slot: int) -> None:
        settings = config.rules
        self._services = services
        self._settings = settings
        self._rulebooks = rulebooks
        self._slot = slot
        self._snapshots = Snapshots(copies_folder(config))
        self._preparer = Preparer(services, settings.engine)
        machine = socket.gethostname()
        # Two servers on one machine have the same slots, so the name also has a random part.
        worker = f"{machine}-{slot}-{secrets.token_hex(3)}"
        activator = Activator(services, rulebooks, settings, worker)
        self.folder = RulesFolder(settings.folder, machine)
        self.changes = Changes(services, rulebooks, self._preparer, activator, self.folder)
        self.follower = Follower(services, rulebooks, self._preparer, self.changes, worker, self.folder)
        self._precedence = Precedence(services, rulebooks, self.folder)
        self._actor = DEMO if settings.demo else FOLDER
        self.trials = CandidateTrials(services, self.changes, rulebooks)
        self.trial = Trial(services, self._preparer)
        """Trial of the candidate that decides beside the active rules."""
        self._settled = Settled("", None)

    @property
    def approval_required(self) -> bool:
        return self._settings.approval is Approval.REQUIRED

    async def start(self) -> None:
        """Prepares the worker before it serves. The worker then decides, or its status shows the reason why not."""
        # A copy of the demo rules must never stand in for rules of the user.
        snapshots = None if self.approval_required or self._settings.demo else self._snapshots
        await check_origin(self._services.store, self._settings, snapshots)
        start = Start(
            self._services, self.changes, self.follower, snapshots, self.folder, self._precedence, self._actor
        )
        self._settled = await start.run()
        self._preparer.inline = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follower.run(stopping))
            group.create_task(self.trial.run(stopping))
            if self._slot == 0 and not self._settings.demo:
                group.create_task(keep_copies(self._snapshots, self._rulebooks, stopping, self._services.logger))
            if self._slot == 0 and self._settings.watch and self.folder.given:
                watch = FolderWatch(
                    self._services,
                    self.folder,
                    self.changes,
                    self._preparer,
                    self._precedence,
                    self._settled,
                    self._settings.settle_seconds,
                    self._actor,
                )
                group.create_task(watch.run(stopping))

    async def close(self) -> None:
        await self._preparer.close()
