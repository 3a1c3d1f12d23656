"""Revisions of the rulebook with their files, the pointer to the active revision, and the history of actions."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from answerby.store import keys
from answerby.store.codec import to_us
from answerby.store.connection import Connection
from answerby.store.rulebooks.reading import RulebookReading
from answerby.store.rulebooks.revision_records import (
    ActivateOutcome,
    Activation,
    JudgeOutcome,
    Pointer,
    Revision,
    Staged,
    Verdict,
)
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

HISTORY_LENGTH = 1000
"""The number of history entries that are kept."""
SEEN_DIGESTS = 1000
"""Contents of folders that are remembered."""

_encode = msgspec.json.Encoder().encode
_revision = msgspec.json.Decoder(Revision)
_verdict = msgspec.json.Decoder(Verdict)
_files = msgspec.msgpack.Decoder(dict[str, bytes])


class Keeping(NamedTuple):
    """The number of revisions that stay, and whether revisions without a verdict wait for one."""

    revisions: int = 50
    approval_required: bool = False


class Revisions:
    """The revisions of the rulebook. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable
        self._reading = RulebookReading(connection, unreadable)

    async def save(
        self, revision: Revision, files: Mapping[str, bytes], digest: str, keeping: Keeping, now: datetime
    ) -> bool:
        """Keeps a revision. True when the revision is new.

        A known revision keeps its first author and files, and gains authors.
        """
        bare = msgspec.structs.replace(revision, authors=[], verdict=None)
        reply = await self._connection.call(
            "rulebooks/save",
            [
                keys.RULEBOOK_REVISIONS,
                keys.RULEBOOK_FILES,
                keys.RULEBOOK_AUTHORS,
                keys.RULEBOOK_ORDER,
                keys.RULEBOOK_SEEN,
                keys.RULEBOOK_SEEN_AGE,
                keys.RULEBOOK_ACTIVE,
                keys.RULEBOOK_VERDICTS,
                keys.RULEBOOK_STAGED,
                keys.RULEBOOK_CANDIDATE,
            ],
            [
                revision.revision,
                _encode(bare),
                zlib.compress(msgspec.msgpack.encode(dict(files))),
                revision.author,
                digest,
                to_us(now),
                keeping.revisions,
                SEEN_DIGESTS,
                _flag(keeping.approval_required),
            ],
        )
        return bool(reply)

    async def files(self, revision: str) -> dict[str, bytes] | None:
        """Content by path. None when the revision is not kept. Raises RecordUnreadable."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_FILES, revision)
        if raw is None:
            return None
        try:
            return decoded(Place(RecordKind.FILES, "", keys.RULEBOOK_FILES, revision), raw, _unpacked)
        except Undecodable as error:
            raise await self._unreadable.note(error) from error

    async def get(self, revision: str) -> Revision | None:
        """The revision. None when the revision is not kept. Raises RecordUnreadable."""
        tables = (keys.RULEBOOK_REVISIONS, keys.RULEBOOK_AUTHORS, keys.RULEBOOK_VERDICTS)
        parts = await self._connection.execute_together([("HGET", table, revision) for table in tables])
        try:
            return await self._complete(revision, *parts)
        except Undecodable as error:
            raise await self._unreadable.note(error) from error

    async def all(self) -> list[Revision]:
        """All kept revisions of one moment, in the order of their latest upload, newest first.

        A revision that cannot be read is left out.
        """
        tables = [keys.RULEBOOK_ORDER, keys.RULEBOOK_REVISIONS, keys.RULEBOOK_AUTHORS, keys.RULEBOOK_VERDICTS]
        reply = await self._connection.call("rulebooks/list", tables)
        found = []
        for name, *parts in zip(reply[::4], reply[1::4], reply[2::4], reply[3::4], strict=True):
            try:
                found.append(await self._complete(name.decode(errors="replace"), *parts))
            except Undecodable as error:
                await self._unreadable.note(error)
        return [revision for revision in found if revision is not None]

    async def seen(self, digest: str) -> str:
        """The revision of the files with this digest. Empty for files that were never kept."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_SEEN, digest)
        return "" if raw is None else raw.decode(errors="replace")

    async def active(self) -> Pointer | None:
        """The pointer. In place of one that cannot be read comes the one that the history tells."""
        raw = await self._connection.execute("GET", keys.RULEBOOK_ACTIVE)
        return None if raw is None else await self._reading.pointer(raw)

    async def activate(
        self,
        pointer: Pointer,
        entry: Activation,
        expected: int,
        *,
        approval_required: bool = False,
        staged: Staged | None = None,
    ) -> ActivateOutcome:
        """Moves the pointer while generation `expected` (0: none) is still active, and writes the history."""
        reply = await self._connection.call(
            "rulebooks/activate",
            [
                keys.RULEBOOK_ACTIVE,
                keys.RULEBOOK_REVISIONS,
                keys.RULEBOOK_VERDICTS,
                keys.RULEBOOK_HISTORY,
                keys.RULEBOOK_STAGED,
            ],
            [
                pointer.revision,
                expected,
                _encode(pointer),
                _encode(entry),
                _flag(approval_required),
                HISTORY_LENGTH,
                b"" if staged is None else _encode(staged),
            ],
        )
        return ActivateOutcome(reply.decode())

    async def judge(self, revision: str, verdict: Verdict, entry: Activation) -> JudgeOutcome:
        """Stores an approver's verdict on a revision, and writes the history."""
        reply = await self._connection.call(
            "rulebooks/judge",
            [
                keys.RULEBOOK_ACTIVE,
                keys.RULEBOOK_REVISIONS,
                keys.RULEBOOK_VERDICTS,
                keys.RULEBOOK_AUTHORS,
                keys.RULEBOOK_HISTORY,
            ],
            [
                revision,
                verdict.actor,
                _flag(verdict.approved),
                _encode(verdict),
                _encode(entry),
                HISTORY_LENGTH,
            ],
        )
        return JudgeOutcome(reply.decode())

    async def note(self, entry: Activation) -> None:
        """Writes an action into the history that moved no pointer."""
        await self._connection.execute("LPUSH", keys.RULEBOOK_HISTORY, _encode(entry))
        await self._connection.execute("LTRIM", keys.RULEBOOK_HISTORY, 0, HISTORY_LENGTH - 1)

    async def history(self, limit: int = HISTORY_LENGTH) -> list[Activation]:
        """The history, newest first, without entries that cannot be read."""
        return await self._reading.history(limit)

    async def _complete(
        self, name: str, raw: bytes | None, authors: bytes | None, verdict: bytes | None
    ) -> Revision | None:
        """Raises Undecodable."""
        if raw is None:
            return None
        record = decoded(Place(RecordKind.REVISION, "", keys.RULEBOOK_REVISIONS, name), raw, _revision.decode)
        names = decoded(Place(RecordKind.REVISION, "", keys.RULEBOOK_AUTHORS, name), authors or b"", bytes.decode)
        return msgspec.structs.replace(
            record,
            authors=names.split("\n"),
            verdict=None if verdict is None else await self._judged(name, verdict, record),
        )

    async def _judged(self, name: str, raw: bytes, revision: Revision) -> Verdict:
        """The verdict. One that cannot be read counts as a refusal, so that nothing goes live which was refused."""
        try:
            return decoded(Place(RecordKind.VERDICT, "", keys.RULEBOOK_VERDICTS, name), raw, _verdict.decode)
        except Undecodable as error:
            reason = (await self._unreadable.note(error)).message
            return Verdict(approved=False, actor="(unknown)", time=revision.created, reason=reason)


def _unpacked(raw: bytes) -> dict[str, bytes]:
    return _files.decode(zlib.decompress(raw))


def _flag(value: bool) -> str:
    return "1" if value else "0"
