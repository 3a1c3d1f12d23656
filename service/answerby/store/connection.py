"""The connection to Redis: clients, options, and the translation of redis errors into answerby errors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import AbstractBackoff
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from answerby.domain.backoff import Backoff
from answerby.domain.errors import AnswerbyError, RecordUnreadable, StoreUnavailable
from answerby.store.key_types import type_of
from answerby.store.keys import STORE
from answerby.store.safety.durability import Durability
from answerby.store.safety.lineage import Lineage, Loss
from answerby.store.safety.marks import Given, Marks
from answerby.store.safety.suitability import require_suitable
from answerby.store.safety.syncs import TELLS, WAIT_FOR_SYNC, require_synced, require_synced_replies
from answerby.store.scripts import Call, execute, load_scripts, run, run_many

MAX_BLOCK_MS = 30_000
"""The longest wait of a blocking read. The socket of blocking reads times out later."""
AGAIN = Backoff(first=0.04, most=0.5, jitter=1.0)
"""The wait before a call is sent again after a lost connection."""


class GroupGone(AnswerbyError):
    """The stream, or its consumer group, is not there: the store was emptied, or replaced by an older copy."""


class WrongType(RecordUnreadable):
    """A key has another type than answerby gives it."""


class _Closed(RedisError):
    """The error of a closed store. A ConnectionError would cause another try."""


class _Waits(AbstractBackoff):
    """A backoff in the form that the client library needs."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff

    def compute(self, failures: int) -> float:
        return self._backoff.wait(failures)


_UNAVAILABLE = (
    _Closed,
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,
)
_WRONG_TYPE = "WRONGTYPE"
_MOVED = ("MOVED", "ASK", "CROSSSLOT")
"""Answers of a Redis Cluster that has got more masters than one since the start."""
_IN_A_SCRIPT = " script: "
"""Begins what a store adds about the script that was running: its hash and line, which help nobody who calls."""
_REFUSED_WRITES = ("MISCONF", "NOREPLICAS", "MASTERDOWN", "READONLY", "OOM")


class StoreOptions(NamedTuple):
    """Retention times, and the patience with the server."""

    idempotency_ttl: timedelta = timedelta(days=7)
    log_retention: timedelta = timedelta(days=30)
    log_max_length: int = 1_000_000
    """The number of watch log entries that `trim_log` keeps, whatever their age."""
    window_retention: timedelta = timedelta(days=92)
    """The age at which marks of a counting window are dropped. No window may be longer."""
    socket_timeout: float = 5.0
    """Seconds."""
    max_connections: int = 256
    marks: Path | None = None
    """The folder in which this process keeps what callers heard of. None: a store that went back is not found out."""
    durability: Durability = Durability.SERVER


class Connection:
    """Two pools to one server: one for calls, and one for reads that block."""

    def __init__(self, url: str, options: StoreOptions) -> None:
        self.options = options
        self._closed = False
        self._lineage = Lineage(Marks(options.marks)) if options.marks is not None else None
        self.client = self._client(url, options.socket_timeout)
        self.blocking = self._client(url, MAX_BLOCK_MS / 1000 + options.socket_timeout)

    async def open(self) -> None:
        """Refuses a server that cannot keep its data or is too old, then loads the scripts. Raises StoreUnavailable."""
        with translated():
            await require_suitable(self.client)
            if self.options.durability is Durability.ACKNOWLEDGED:
                await require_synced_replies(self.client)
            await load_scripts(self.client)

    @property
    def losses(self) -> list[Loss]:
        """What the store has lost, oldest first."""
        return self._lineage.losses if self._lineage is not None else []

    async def tell(self, given: Iterable[Given]) -> None:
        """Writes down what callers are about to hear. Raises StoreUnavailable."""
        if self._lineage is not None:
            try:
                await self._lineage.marks.note(list(given))
            except OSError as error:
                raise StoreUnavailable(
                    f"the event was decided, but the data folder cannot be written, send it again: {error}"
                ) from error

    async def close(self) -> None:
        """Closes the connection for good. Current and later calls fail with StoreUnavailable."""
        self._closed = True
        await self.client.aclose()
        await self.blocking.aclose()

    async def call(self, command: str, keys: Sequence[str], arguments: Sequence[str | bytes | int] = ()) -> Any:
        """One Lua command. Raises StoreUnavailable."""
        call = Call(command, keys, arguments)
        if self._waits_for_sync(call):
            (result,) = await self.call_many([call])
            if isinstance(result, AnswerbyError):
                raise result
            return result
        try:
            with translated():
                return await run(self.client, call)
        except WrongType as error:
            raise await self._named(error, keys) from error

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        """Lua commands in one round trip. A failed item is an AnswerbyError. Raises StoreUnavailable."""
        waits = any(map(self._waits_for_sync, calls))
        with translated():
            results = await run_many(self.client, calls, *((WAIT_FOR_SYNC,) if waits else ()))
            if waits:
                require_synced(results.pop())
        return [await self._answer(item, call.keys) for call, item in zip(calls, results, strict=True)]

    async def execute(self, *command: str | bytes | int) -> Any:
        """One plain command. Raises StoreUnavailable."""
        try:
            with translated():
                return await execute(self.client, *command)
        except WrongType as error:
            raise await self._named(error, command) from error

    async def setting(self, name: str) -> str:
        """A setting of the server. Empty where the server does not tell. Raises StoreUnavailable."""
        with translated():
            try:
                reply = await execute(self.client, "CONFIG", "GET", name)
            except ResponseError as error:
                if isinstance(error, AuthenticationError):
                    raise
                return ""
        pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
        return next((_text(value) for _, value in pairs), "")

    async def execute_blocking(self, *command: str | bytes | int) -> Any:
        """One plain command that may wait, at most MAX_BLOCK_MS. Raises StoreUnavailable."""
        with translated():
            return await execute(self.blocking, *command)

    async def settle(self) -> None:
        """Returns once all that was written before is as durable as the settings ask. Raises StoreUnavailable."""
        if self.options.durability is Durability.ACKNOWLEDGED:
            # A connection waits for its own writes only. A sync of this one includes those of all others before.
            await self.execute_many([("HINCRBY", STORE, "settled", 1)])

    async def execute_many(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Plain commands in one round trip. Writes are as durable then as the settings ask. Raises StoreUnavailable."""
        waits = self.options.durability is Durability.ACKNOWLEDGED
        try:
            with translated():
                results = await self._pipeline([*commands, WAIT_FOR_SYNC] if waits else commands).execute()
        except WrongType as error:
            raise await self._named(error, *commands) from error
        if waits:
            require_synced(results.pop())
        return results

    async def execute_each(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Plain commands in one round trip. A failed item is an AnswerbyError. Raises StoreUnavailable."""
        with translated():
            results = await self._pipeline(commands).execute(raise_on_error=False)
        return [await self._answer(item, command) for command, item in zip(commands, results, strict=True)]

    async def execute_together(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Plain commands of one moment: no other call comes between them. Raises StoreUnavailable."""
        try:
            with translated():
                return await self._pipeline(commands, together=True).execute()
        except WrongType as error:
            raise await self._named(error, *commands) from error

    async def time(self) -> datetime:
        """The server's time. Raises StoreUnavailable."""
        seconds, microseconds = await self.execute("TIME")
        return datetime.fromtimestamp(int(seconds), UTC).replace(microsecond=int(microseconds))

    def _pipeline(self, commands: Sequence[Sequence[str | bytes | int]], *, together: bool = False) -> Pipeline:
        pipeline = self.client.pipeline(transaction=together)
        for command in commands:
            pipeline.execute_command(*command)
        return pipeline

    async def _answer(self, item: Any, command: Sequence[str | bytes | int]) -> Any:
        """A reply. A failed one is an AnswerbyError."""
        if not isinstance(item, RedisError):
            return item
        error = translate(item)
        return await self._named(error, command) if isinstance(error, WrongType) else error

    async def _named(self, error: WrongType, *commands: Sequence[str | bytes | int]) -> AnswerbyError:
        """The error with the key that has another type, among those of the commands."""
        for part in dict.fromkeys(part for command in commands for part in command if isinstance(part, str)):
            if expected := type_of(part):
                with translated():
                    found = _text(await execute(self.client, "TYPE", part))
                if found not in ("none", expected):
                    return WrongType(
                        f"the store holds a {found} under the key {part}, where answerby keeps a {expected}: restore"
                        f" the key, or delete it. Everything else goes on"
                    )
        return error

    def _waits_for_sync(self, call: Call) -> bool:
        return self.options.durability is Durability.ACKNOWLEDGED and call.command in TELLS

    def _client(self, url: str, timeout: float) -> Redis:
        # A repeated call is harmless: commits are idempotent and leases are fenced. A short retry is safe.
        return Redis.from_url(
            url,
            protocol=2,
            decode_responses=False,
            socket_timeout=timeout,
            max_connections=self.options.max_connections,
            retry=Retry(_Waits(AGAIN), 3),
            redis_connect_func=self._greet,
        )

    async def _greet(self, connection: AbstractConnection) -> None:
        # Without this, a call with a closed connection would open another connection that nobody closes.
        if self._closed:
            raise _Closed("answerby has closed its connection to the store")
        await connection.on_connect()
        if self._lineage is not None:

            async def ask(*command: str | bytes | int) -> Any:
                await connection.send_command(*command)
                return await connection.read_response()

            await self._lineage.look(ask)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def translate(error: RedisError) -> AnswerbyError:
    """The failure in the form that callers of the store know."""
    refused = isinstance(error, ResponseError) and str(error).startswith(_REFUSED_WRITES)
    words = str(error).partition(_IN_A_SCRIPT)[0]
    if isinstance(error, AuthenticationError):
        return StoreUnavailable(f"the store refused the credentials, check its URL: {words}")
    if isinstance(error, MovedError | AskError | ClusterCrossSlotError) or str(error).startswith(_MOVED):
        return StoreUnavailable(f"the store is a Redis Cluster whose keys lie on several masters: {words}")
    if str(error).startswith("NOREPLICAS"):
        return StoreUnavailable(
            "the store takes no writes, as replicas or the embedded store's data folder are gone; send again"
        )
    if isinstance(error, _UNAVAILABLE) or refused:
        return StoreUnavailable(f"the store did not accept the call; nothing is lost, send it again: {words}")
    if isinstance(error, ResponseError) and str(error).startswith("NOGROUP"):
        return GroupGone()
    if isinstance(error, ResponseError) and _WRONG_TYPE in str(error):
        return WrongType(f"a key of the store has another type than answerby gives it; mend it: {words}")
    if isinstance(error, ResponseError) and str(error).startswith("UNREADABLE"):
        return RecordUnreadable(f"the store holds a record that this version cannot read; restore it: {words}")
    return AnswerbyError(f"the store failed: {words}")


@contextmanager
def translated() -> Iterator[None]:
    """Raises redis errors as AnswerbyError, and a cancellation that came meanwhile.

    The client library sends by `asyncio.wait_for`. On Python 3.11 that swallows a cancellation that meets the end of
    the sending. A loop would then go on for ever, and its task group would wait for it.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    except RedisError as error:
        _raise_cancellation(task, before)
        raise translate(error) from error
    except OSError as error:
        _raise_cancellation(task, before)
        raise StoreUnavailable(f"the store cannot be reached: {error}") from error
    _raise_cancellation(task, before)


def _raise_cancellation(task: asyncio.Task[Any] | None, before: int) -> None:
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
