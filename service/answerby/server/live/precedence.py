"""Which of two rules folders on one store goes live: the one whose rules are live, as long as a server with it runs.

Servers of one store have one folder: the same path on every machine. A folder at another path is not put live by itself
while such a server runs, neither at a start nor by a change. The refusal is in the log, and in the status of every
server. A person may still reload it (`answerby rulebook reload`); it then is the folder whose rules are live.
"""

from __future__ import annotations

import asyncio

from answerby.domain.errors import AnswerbyError
from answerby.server.base.services import Services
from answerby.server.live.rule_files import RulesFolder
from answerby.server.live.rulebooks import RulebookHolder
from answerby.store.rulebooks.revision_records import Finding, Problem
from answerby.store.rulebooks.workers import LIVE_MS

OTHER_FOLDER = "OTHER_FOLDER"


class FolderHeld(AnswerbyError):
    """The rules of another folder are live, and a server that has this folder runs."""

    reason = OTHER_FOLDER


class Precedence:
    """The rule of precedence, for the folder of one server."""

    def __init__(self, services: Services, holder: RulebookHolder, folder: RulesFolder) -> None:
        self._store = services.store
        self._logger = services.logger
        self._now = services.clock
        self._holder = holder
        self._folder = folder

    async def check(self, actor: str) -> None:
        """Raises FolderHeld when the folder must not go live by itself, after showing this to everybody."""
        other = await self._holding()
        if other:
            # A server that died a moment ago still seems to run.
            await asyncio.sleep(LIVE_MS / 1000 + 0.5)
            other = await self._holding()
        if other:
            await self._show(other, actor)
            raise FolderHeld(f"the rules of {other} are live")

    async def _holding(self) -> str:
        """The live folder, if it is another one than ours and a server that has it runs; empty otherwise."""
        scene = await self._store.workers.look()
        live = scene.active.folder if scene.active is not None else None
        if live is None or live.path == self._folder.name.path:
            return ""
        held = any(worker.live and worker.beat.folder == live.path for worker in scene.workers)
        return str(live) if held else ""

    async def _show(self, other: str, actor: str) -> None:
        message = (
            f"two servers on one store have different rules folders: the rules of {other} are live, "
            f"those of {self._folder.name} are not"
        )
        hint = "give all servers of a store the same rules.folder, or put this one live with `answerby rulebook reload`"
        self._logger.warning("rules folder not put live", reason=OTHER_FOLDER, warning=message)
        finding = Finding(OTHER_FOLDER, "error", str(self._folder.name), 0, 0, message, hint)
        problem = Problem(actor, self._now(), [finding], self._folder.name)
        await self._store.workers.show_problem(problem)
        self._holder.set_problem(problem)
