"""Workers: the revision of each worker, the staged revision, and the problem of the last change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from answerby.store import keys
from answerby.store.connection import Connection
from answerby.store.rulebooks.reading import RulebookReading
from answerby.store.rulebooks.revision_records import Heartbeat, Problem, Scene, Staged, WorkerSeen
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

T = TypeVar("T")

LIVE_MS = 3_000
"""The longest silence of a worker that others still wait for."""
DROP_MS = 30_000
"""The longest silence of a worker that is still listed."""

_encode = msgspec.json.Encoder().encode
_staged = msgspec.json.Decoder(Staged)
_problem = msgspec.json.Decoder(Problem)
_heartbeat = msgspec.json.Decoder(Heartbeat)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Workers:
    """The workers of every machine. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable
        self._reading = RulebookReading(connection, unreadable)

    async def stage(self, staged: Staged, patience: timedelta) -> bool:
        """Asks every worker to make a revision ready. False when another activation is under way."""
        milliseconds = max(1, patience // timedelta(milliseconds=1))
        reply = await self._connection.execute("SET", keys.RULEBOOK_STAGED, _encode(staged), "NX", "PX", milliseconds)
        return reply is not None

    async def unstage(self, staged: Staged) -> None:
        await self._connection.call("rulebooks/unstage", [keys.RULEBOOK_STAGED], [_encode(staged)])

    async def show_problem(self, problem: Problem | None) -> None:
        """Stores the problem that every worker shows for the last change. None: the change was good."""
        if problem is None:
            await self._connection.execute("DEL", keys.RULEBOOK_PROBLEM)
        else:
            await self._connection.execute("SET", keys.RULEBOOK_PROBLEM, _encode(problem))

    async def beat(self, worker: str, heartbeat: Heartbeat) -> Scene:
        """Reports a worker's heartbeat and returns the scene. One round trip."""
        return await self._scene(worker, _encode(heartbeat))

    async def look(self) -> Scene:
        """The scene of a heartbeat, for a caller that is no worker."""
        return await self._scene("", b"")

    async def forget(self, worker: str) -> None:
        """Removes a stopping worker, so that nobody waits for the worker."""
        await self._connection.execute("HDEL", keys.RULEBOOK_WORKERS, worker)

    async def _scene(self, worker: str, heartbeat: bytes) -> Scene:
        reply = await self._connection.call(
            "rulebooks/beat",
            [keys.RULEBOOK_WORKERS, keys.RULEBOOK_ACTIVE, keys.RULEBOOK_STAGED, keys.RULEBOOK_PROBLEM],
            [worker, heartbeat, DROP_MS],
        )
        now, active, staged, problem = reply[:4]
        return Scene(
            active=await self._reading.pointer(active) if active else None,
            staged=await self._read(RecordKind.STAGED, keys.RULEBOOK_STAGED, staged, _staged.decode),
            problem=await self._read(RecordKind.PROBLEM, keys.RULEBOOK_PROBLEM, problem, _problem.decode),
            workers=await self._workers(reply[4:], int(now)),
        )

    async def _read(self, kind: RecordKind, key: str, raw: bytes, decode: Callable[[bytes], T]) -> T | None:
        """The record. One that cannot be read is taken away and is None."""
        try:
            return decoded(Place(kind, "", key), raw, decode) if raw else None
        except Undecodable as error:
            await self._unreadable.note(error)
            await self._connection.call("rulebooks/unstage", [key], [raw])
            return None

    async def _workers(self, pairs: Sequence[Any], now: int) -> list[WorkerSeen]:
        """The workers, by name. Nobody knows what a worker runs whose heartbeat cannot be read."""
        seen = []
        for name, text in zip(pairs[::2], pairs[1::2], strict=True):
            place = Place(RecordKind.HEARTBEAT, "", keys.RULEBOOK_WORKERS, name.decode(errors="replace"))
            try:
                heard = decoded(place, text.partition(b" ")[0], int)
            except Undecodable as error:
                await self._unreadable.note(error)
                await self._connection.execute("HDEL", keys.RULEBOOK_WORKERS, name)
                continue
            try:
                beat = decoded(place, text.partition(b" ")[2], _heartbeat.decode)
            except Undecodable as error:
                beat = Heartbeat(problem=(await self._unreadable.note(error)).message)
            seen.append(
                WorkerSeen(
                    name=place.name,
                    beat=beat,
                    last_beat=_EPOCH + timedelta(milliseconds=heard),
                    live=now - heard <= LIVE_MS,
                )
            )
        return sorted(seen, key=lambda worker: worker.name)
