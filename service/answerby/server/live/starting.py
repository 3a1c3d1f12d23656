"""The rulebook of a worker at its start: the one of the store, unless the folder of this machine has new rules.

| the store has | the folder | goes live |
|---|---|---|
| nothing | is good | the folder |
| nothing | is bad | the copy of the last good rules on this machine; without a copy, no rules |
| a rulebook | holds the same rules | the rulebook of the store |
| a rulebook | holds older rules that the store knows, such as after a rollback | the rulebook of the store |
| a rulebook | holds new rules: the folder changed while no server ran | the folder, when it is good |
| a rulebook from another folder of this machine | | the folder, because the configuration was changed |
| a rulebook from another folder, which a running server has | | the rulebook of the store, see `precedence` |
| a rulebook | there is none | the rulebook of the store |
| nothing | there is none | the copy; without a copy the server does not start, see `rules_origin` |
"""

from __future__ import annotations

from typing import NamedTuple

from answerby.domain.errors import AnswerbyError, RulebookRejected, StoreUnavailable
from answerby.server.base.services import Services
from answerby.server.live.activation import Order, etag_of
from answerby.server.live.changes import Changes
from answerby.server.live.following import Follower
from answerby.server.live.precedence import Precedence
from answerby.server.live.rule_files import RuleFiles, RulesFolder, Stamp
from answerby.server.live.snapshots import Snapshots
from answerby.store.rulebooks.revision_records import Action, FolderName, Pointer

FOLDER = "(folder)"
"""Author of changes from the folder. No token can have this name."""
COPY = "(copy)"


class Settled(NamedTuple):
    """State of the folder after its last handling."""

    digest: str
    """Digest of the files; empty for refused files."""
    stamp: Stamp | None


class Start:
    """Start of a worker, before it serves. `snapshots` is None where every revision needs an approval."""

    def __init__(
        self,
        services: Services,
        changes: Changes,
        follower: Follower,
        snapshots: Snapshots | None,
        folder: RulesFolder,
        precedence: Precedence,
        actor: str,
    ) -> None:
        """`actor`: the author of what the folder brings."""
        self._store = services.store
        self._logger = services.logger
        self._changes = changes
        self._follower = follower
        self._snapshots = snapshots
        self._folder = folder
        self._precedence = precedence
        self._actor = actor

    async def run(self) -> Settled:
        """Takes the rules. Returns the state of the folder that needs no more attention."""
        if not self._folder.given:
            await self._go_on()
            return Settled("", None)
        stamp = await self._folder.stamp()
        files = await self._folder.read()
        pointer = await self._store.revisions.active()
        digest = files.digest
        if await self._is_news(pointer, files):
            try:
                await self._precedence.check(self._actor)
                await self._changes.bring(files, self._order(pointer))
            except RulebookRejected:
                digest = ""
                if pointer is None:
                    await self._take_copy("the rules folder was refused")
            except StoreUnavailable:
                raise
            except AnswerbyError as error:
                # Another worker was first, or the folder may not go live. The history has the reason.
                self._logger.info("rules folder not taken at the start", reason=error.reason)
        else:
            await self._changes.folder_is_good(self._actor)
        await self._follower.catch_up()
        return Settled(digest, stamp)

    async def _go_on(self) -> None:
        """Takes the rules of the store, or else the copy of this machine."""
        pointer = await self._store.revisions.active()
        if pointer is None:
            try:
                await self._take_copy("there is no rules folder, and the store has no rules")
            except StoreUnavailable:
                raise
            except AnswerbyError as error:
                self._logger.info("rules not taken at the start", reason=error.reason)
        else:
            self._logger.warning(
                "no rules folder, the rules of the store go on", revision=pointer.revision, warning="set rules.folder"
            )
        await self._follower.catch_up()

    async def _is_news(self, pointer: Pointer | None, files: RuleFiles) -> bool:
        if pointer is None:
            return True
        known_revision = await self._store.revisions.seen(files.digest)
        if known_revision == pointer.revision:
            return False
        if known_revision:
            self._logger.warning(
                "rules folder holds other rules than the live ones", revision=pointer.revision, reason=known_revision
            )
        return not known_revision or _other_folder(pointer.folder, self._folder.name)

    async def _take_copy(self, reason: str) -> None:
        copy = self._snapshots.last_good() if self._snapshots is not None else None
        if copy is None:
            return
        problem = (await self._store.workers.look()).problem
        order = Order(Action.START, COPY, reason, etag=etag_of(None))
        try:
            await self._changes.bring(RuleFiles(copy), order)
        except RulebookRejected:
            return
        await self._store.workers.show_problem(problem)

    def _order(self, pointer: Pointer | None) -> Order:
        if pointer is None:
            return Order(Action.START, self._actor, "first start", self._folder.name, etag_of(None))
        reason = "the folder changed while no server ran"
        if _other_folder(pointer.folder, self._folder.name):
            reason = "the configuration names another folder"
        return Order(Action.RELOAD, self._actor, reason, self._folder.name, etag_of(pointer))


def _other_folder(folder: FolderName | None, mine: FolderName) -> bool:
    """Whether `folder` is another folder of the same machine."""
    return folder is not None and folder.machine == mine.machine and folder != mine
