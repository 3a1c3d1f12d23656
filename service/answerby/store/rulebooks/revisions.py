"""Revisions of the rulebook with their files, the pointer to the active revision, and the history of actions."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from answerby.store import keys
from answerby.store.codec import to_us
from answerby.store.connection import Connection
from answerby.store.rulebooks.revision_records import (
    ActivateOutcome,
    Activation,
    JudgeOutcome,
    Pointer,
    Revision,
    Staged,
    Verdict,
)

HISTORY_LENGTH = 1000
"""The number of history entries that are kept."""
SEEN_DIGESTS = 1000
"""Contents of folders that are remembered."""

_encode = msgspec.json.Encoder().encode
_pointer = msgspec.json.Decoder(Pointer)
_revision = msgspec.json.Decoder(Revision)
_verdict = msgspec.json.Decoder(Verdict)
_activation = msgspec.json.Decoder(Activation)
_files = msgspec.msgpack.Decoder(dict[str, bytes])


class Keeping(NamedTuple):
    """The number of revisions that stay, and whether revisions without a verdict wait for one."""

    revisions: int = 50
    approval_required: bool = False


class Revisions:
    """The revisions of the rulebook. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        """Content by path. None when the revision is not kept."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_FILES, revision)
        return None if raw is None else _files.decode(zlib.decompress(raw))

    async def get(self, revision: str) -> Revision | None:
        """The revision. None when the revision is not kept."""
        return (await self._read([revision]))[0]

    async def all(self) -> list[Revision]:
        """All kept revisions, in the order of their latest upload, newest first."""
        order = await self._connection.execute("ZREVRANGE", keys.RULEBOOK_ORDER, 0, -1)
        found = await self._read([name.decode() for name in order])
        return [revision for revision in found if revision is not None]

    async def seen(self, digest: str) -> str:
        """The revision of the files with this digest. Empty for files that were never kept."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_SEEN, digest)
        return "" if raw is None else raw.decode()

    async def active(self) -> Pointer | None:
        raw = await self._connection.execute("GET", keys.RULEBOOK_ACTIVE)
        return None if raw is None else _pointer.decode(raw)

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
        """The history, newest first."""
        found = await self._connection.execute("LRANGE", keys.RULEBOOK_HISTORY, 0, limit - 1)
        return [_activation.decode(raw) for raw in found]

    async def _read(self, names: Sequence[str]) -> list[Revision | None]:
        if not names:
            return []
        tables = (keys.RULEBOOK_REVISIONS, keys.RULEBOOK_AUTHORS, keys.RULEBOOK_VERDICTS)
        found = await self._connection.execute_many([("HMGET", table, *names) for table in tables])
        return [_complete(*parts) for parts in zip(*found, strict=True)]


def _complete(raw: bytes | None, authors: bytes | None, verdict: bytes | None) -> Revision | None:
    if raw is None:
        return None
    return msgspec.structs.replace(
        _revision.decode(raw),
        authors=(authors or b"").decode().split("\n"),
        verdict=None if verdict is None else _verdict.decode(verdict),
    )


def _flag(value: bool) -> str:
    return "1" if value else "0"
