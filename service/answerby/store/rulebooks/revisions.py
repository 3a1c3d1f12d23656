"""Revisions of the rulebook: kept with their files, one of them active, and a history of who did what."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from answerby.store import keys
from answerby.store.codec import to_us
from answerby.store.connection import Connection
from answerby.store.rulebooks.revision_records import (
    ActivateOutcome,
    Activation,
    Heartbeat,
    JudgeOutcome,
    Pointer,
    Problem,
    Revision,
    Scene,
    Staged,
    Verdict,
    WorkerSeen,
)

HISTORY_LENGTH = 1000
"""Entries of the history that are kept."""
SEEN_DIGESTS = 1000
"""Contents of folders that are remembered."""
LIVE_MS = 3_000
"""A worker that was silent for longer is waited for no more."""
DROP_MS = 30_000
"""A worker that was silent for longer is not listed."""
FILES_BYTES = 32 * 1024 * 1024
"""All files of one revision, at most."""

_encode = msgspec.json.Encoder().encode
_pointer = msgspec.json.Decoder(Pointer)
_revision = msgspec.json.Decoder(Revision)
_verdict = msgspec.json.Decoder(Verdict)
_activation = msgspec.json.Decoder(Activation)
_staged = msgspec.json.Decoder(Staged)
_problem = msgspec.json.Decoder(Problem)
_heartbeat = msgspec.json.Decoder(Heartbeat)
_files = msgspec.msgpack.Decoder(dict[str, bytes])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Keeping(NamedTuple):
    """How many revisions stay, and whether those without a verdict wait for one."""

    revisions: int = 50
    approval_required: bool = False


class Revisions:
    """The revisions of the rulebook. All methods raise StoreUnavailable when the server does not answer."""

    _connection: Connection

    async def save_revision(
        self, revision: Revision, files: Mapping[str, bytes], digest: str, keeping: Keeping, now: datetime
    ) -> bool:
        """Keeps a revision; True when it is new. Brought again, its first author and files stay, authors are added."""
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

    async def revision_files(self, revision: str) -> dict[str, bytes] | None:
        """Content by path; None when the revision is not kept."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_FILES, revision)
        return None if raw is None else _files.decode(zlib.decompress(raw))

    async def revision(self, revision: str) -> Revision | None:
        """None when it is not kept."""
        return (await self._revisions([revision]))[0]

    async def revisions(self) -> list[Revision]:
        """All that are kept, the one brought last first."""
        order = await self._connection.execute("ZREVRANGE", keys.RULEBOOK_ORDER, 0, -1)
        found = await self._revisions([name.decode() for name in order])
        return [revision for revision in found if revision is not None]

    async def revision_seen(self, digest: str) -> str:
        """The revision that files of this digest came to; empty when they were never kept."""
        raw = await self._connection.execute("HGET", keys.RULEBOOK_SEEN, digest)
        return "" if raw is None else raw.decode()

    async def active_pointer(self) -> Pointer | None:
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
        """Moves the pointer when generation `expected` is still active (0: none is), and writes the history."""
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
        """Notes what an approver says of a revision, and writes the history."""
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

    async def note_action(self, entry: Activation) -> None:
        """Writes into the history what moved no pointer."""
        await self._connection.execute("LPUSH", keys.RULEBOOK_HISTORY, _encode(entry))
        await self._connection.execute("LTRIM", keys.RULEBOOK_HISTORY, 0, HISTORY_LENGTH - 1)

    async def activations(self, limit: int = HISTORY_LENGTH) -> list[Activation]:
        """The history, newest first."""
        found = await self._connection.execute("LRANGE", keys.RULEBOOK_HISTORY, 0, limit - 1)
        return [_activation.decode(raw) for raw in found]

    async def stage(self, staged: Staged, patience: timedelta) -> bool:
        """Asks every worker to make a revision ready; False when another activation is under way."""
        milliseconds = max(1, patience // timedelta(milliseconds=1))
        reply = await self._connection.execute("SET", keys.RULEBOOK_STAGED, _encode(staged), "NX", "PX", milliseconds)
        return reply is not None

    async def unstage(self, staged: Staged) -> None:
        await self._connection.call("rulebooks/unstage", [keys.RULEBOOK_STAGED], [_encode(staged)])

    async def show_problem(self, problem: Problem | None) -> None:
        """What every worker shows of the last change; None: it was good."""
        if problem is None:
            await self._connection.execute("DEL", keys.RULEBOOK_PROBLEM)
        else:
            await self._connection.execute("SET", keys.RULEBOOK_PROBLEM, _encode(problem))

    async def beat(self, worker: str, heartbeat: Heartbeat | None) -> Scene:
        """Says what a worker runs (None: only looks), and hears everything else. One round trip."""
        reply = await self._connection.call(
            "rulebooks/beat",
            [keys.RULEBOOK_WORKERS, keys.RULEBOOK_ACTIVE, keys.RULEBOOK_STAGED, keys.RULEBOOK_PROBLEM],
            [worker, b"" if heartbeat is None else _encode(heartbeat), DROP_MS],
        )
        now, active, staged, problem = reply[:4]
        return Scene(
            active=_pointer.decode(active) if active else None,
            staged=_staged.decode(staged) if staged else None,
            problem=_problem.decode(problem) if problem else None,
            workers=_workers(reply[4:], int(now)),
        )

    async def forget_worker(self, worker: str) -> None:
        """A worker that stops is not waited for."""
        await self._connection.execute("HDEL", keys.RULEBOOK_WORKERS, worker)

    async def _revisions(self, names: Sequence[str]) -> list[Revision | None]:
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


def _workers(pairs: Sequence[Any], now: int) -> list[WorkerSeen]:
    seen = []
    for name, text in zip(pairs[::2], pairs[1::2], strict=True):
        heard, _, beat = text.partition(b" ")
        seen.append(
            WorkerSeen(
                name=name.decode(),
                beat=_heartbeat.decode(beat),
                heard=_EPOCH + timedelta(milliseconds=int(heard)),
                live=now - int(heard) <= LIVE_MS,
            )
        )
    return sorted(seen, key=lambda worker: worker.name)


def _flag(value: bool) -> str:
    return "1" if value else "0"
