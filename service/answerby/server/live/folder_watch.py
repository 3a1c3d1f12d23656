"""Watch over the rules folder: puts a change of the folder live.

The watch compares names, times, sizes and inodes and needs no events of the file system. So the watch also works on
network and overlay file systems, with editors that rename, and with folders that a symbolic link swaps.
"""

from __future__ import annotations

import asyncio

from answerby.domain.errors import AnswerbyError, RulebookRejected, StoreUnavailable
from answerby.server.base.loops import pause
from answerby.server.base.services import Services
from answerby.server.live.activation import Order
from answerby.server.live.changes import Changes
from answerby.server.live.precedence import Precedence
from answerby.server.live.preparing import Preparer
from answerby.server.live.rule_files import RulesFolder
from answerby.server.live.starting import Settled
from answerby.store.rulebooks.revision_records import Action

LOOK_SECONDS = 0.25
SHARE = 20
"""Looks take at most a twentieth of the time, for any size of the folder."""
AGAIN_SECONDS = 1.0


class FolderWatch:
    """Watch of one worker of a machine. `settled` is the state of the folder at the start."""

    def __init__(
        self,
        services: Services,
        folder: RulesFolder,
        changes: Changes,
        preparer: Preparer,
        precedence: Precedence,
        settled: Settled,
        settle_seconds: float,
        actor: str,
    ) -> None:
        """`settle_seconds`: time without changes before the watch reads the folder. `actor`: author of its changes."""
        self._logger = services.logger
        self._folder = folder
        self._changes = changes
        self._preparer = preparer
        self._precedence = precedence
        self._actor = actor
        self._settled, self._done = settled
        self._settle = settle_seconds

    async def run(self, stopping: asyncio.Event) -> None:
        """Runs until `stopping` is set."""
        done = last = self._done
        still_since = 0.0
        clock = asyncio.get_running_loop().time
        while not stopping.is_set():
            began = clock()
            stamp = await self._folder.stamp()
            cost = clock() - began
            if stamp != last:
                last, still_since = stamp, clock()
                await self._preparer.wake()
            if stamp != done and clock() - still_since >= self._settle:
                done = stamp if await self._changed() else done
                await pause(stopping, AGAIN_SECONDS if stamp != done else 0)
                continue
            await pause(stopping, max(min(LOOK_SECONDS, self._settle or LOOK_SECONDS), SHARE * cost))

    async def _changed(self) -> bool:
        """Handles a change of the folder. Returns False when the watch has to try again."""
        files = await self._folder.read()
        digest = files.digest
        try:
            if not files.trouble and digest == self._settled:
                await self._changes.folder_is_good(self._actor)
                return True
            await self._precedence.check(self._actor)
            order = Order(Action.RELOAD, self._actor, "the folder changed", self._folder.name)
            await self._changes.bring(files, order)
        except RulebookRejected:
            return True
        except StoreUnavailable as error:
            self._logger.warning("store unavailable", state="folder watch", reason=error.reason)
            return False
        except AnswerbyError as error:
            self._logger.warning("rules folder not put live", reason=error.reason)
            return error.reason not in {"ACTIVATION_UNDER_WAY", "RULEBOOK_CHANGED", "WORKER_NOT_READY"}
        self._settled = digest
        return True
