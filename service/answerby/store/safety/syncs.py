"""Replies that wait until the server has synced its append-only file (WAITAOF)."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from answerby.domain.errors import StoreUnavailable
from answerby.store.scripts import execute

SYNC_MS = 4000
"""The longest wait for a sync. It ends before the timeout of a socket."""
WAIT_FOR_SYNC = ("WAITAOF", 1, 0, SYNC_MS)
TELLS = frozenset(
    {"requests/commit", "schedules/commit", "outbox/lease", "rulebooks/save", "rulebooks/activate", "rulebooks/judge"}
)
"""Lua commands after which somebody hears of what was written: a caller, or a platform."""


async def require_synced_replies(client: Redis) -> None:
    """Raises StoreUnavailable for a server that cannot say when its append-only file is synced."""
    try:
        await execute(client, *WAIT_FOR_SYNC)
    except ResponseError as error:
        raise StoreUnavailable(
            "store.durability = acknowledged needs Redis 7.2 or later, or Valkey, with appendonly yes;"
            f" set that up, or set store.durability to server: {error}"
        ) from error


def require_synced(reply: Any) -> None:
    """Raises StoreUnavailable when the write is not on the disk. Raises redis errors."""
    if isinstance(reply, RedisError):
        raise reply
    if reply[0] < 1:
        raise StoreUnavailable(
            f"the store has not synced its file within {SYNC_MS / 1000:g} s; the event may be stored, send it again"
        )
