"""The schema version of the store, and the way from each version to the next one.

A program refuses a store of a later version. It brings a store of an earlier version up to date when it connects,
before it reads or writes anything else. Every step may be killed at any point and done again, and several processes may
do it at once. A step does not begin while a server of an earlier version runs, which would not see what has moved.

To change the layout: raise `CURRENT`, add the step to `STEPS`, and a test that writes the old layout by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from answerby.domain.errors import AnswerbyError
from answerby.store import keys
from answerby.store.connection import Connection
from answerby.store.scripts import Call
from answerby.store.unreadable import UNDECODABLE

FIRST = 1
"""The version of stores that hold no version."""
CURRENT = 2
PAGE = 500
LIVE_MS = 3_000
"""The longest silence of a server that still counts as running."""
WAIT_SECONDS = 4.0
"""A server that died a moment ago still counts as running for this time."""


class StoreNewer(AnswerbyError):
    """The store belongs to a later version of answerby."""

    reason = "STORE_NEWER"


class OlderServersRun(AnswerbyError):
    """Servers of an earlier version still run on the store."""

    reason = "OLDER_SERVERS_RUN"


class Migration(NamedTuple):
    """What was done to bring a store up to date."""

    before: int
    moved: int = 0
    """Keys that have other names now."""


class _Beat(msgspec.Struct):
    schema: int = FIRST


_beat = msgspec.json.Decoder(_Beat)


async def bring_up_to_date(connection: Connection) -> Migration | None:
    """Brings the store to the current version. None: it was up to date.

    Raises StoreNewer, OlderServersRun, and StoreUnavailable.
    """
    found = await version(connection)
    if found == CURRENT:
        return None
    if found is not None and found > CURRENT:
        raise StoreNewer(
            f"the store has schema {found}, and this version of answerby knows {CURRENT} at most: start the later "
            "version of answerby that has used this store"
        )
    await _without_older_servers(connection)
    before, moved = found or FIRST, 0
    for step in range(before, CURRENT):
        moved += await STEPS[step](connection)
        await connection.call("schema/raise", [keys.SCHEMA], [step + 1])
    return Migration(before, moved) if found is not None or moved else None


async def version(connection: Connection) -> int | None:
    """The version of the store; None for a store that holds none. Raises AnswerbyError for anything else."""
    raw = await connection.execute("GET", keys.SCHEMA)
    if raw is None:
        return None
    if not raw.isdigit():
        raise AnswerbyError(
            f"{keys.SCHEMA} holds {raw[:20]!r}, which is no schema version: is this a store of answerby?"
        )
    return int(raw)


async def _without_older_servers(connection: Connection) -> None:
    """Returns once no server of an earlier version runs. Raises OlderServersRun."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while older := await _older_servers(connection):
        if asyncio.get_running_loop().time() >= deadline:
            raise OlderServersRun(
                f"the store has to be brought to schema {CURRENT}, but servers of an earlier version run on it "
                f"({', '.join(older)}): stop them first, then start this version"
            )
        await asyncio.sleep(0.2)


async def _older_servers(connection: Connection) -> list[str]:
    time, beats = await connection.execute_many([("TIME",), ("HGETALL", keys.RULEBOOK_WORKERS)])
    now = int(time[0]) * 1000 + int(time[1]) // 1000
    return sorted(name.decode(errors="replace") for name, text in _pairs(beats) if _is_older(text, now))


def _is_older(text: bytes, now: int) -> bool:
    """Whether a heartbeat is of a server of an earlier version that runs. No server writes one that cannot be read."""
    last_beat, _, beat = text.partition(b" ")
    try:
        return now - int(last_beat) <= LIVE_MS and _beat.decode(beat).schema < CURRENT
    except UNDECODABLE:
        return False


def _pairs(reply: Any) -> list[tuple[bytes, bytes]]:
    """Fields and values, in either form of the client."""
    return list(reply.items()) if isinstance(reply, dict) else list(zip(reply[::2], reply[1::2], strict=True))


async def _names_after_kinds(connection: Connection) -> int:
    """Schema 1 to 2: the keys of a request are named after their kind and then the id.

    Before, a suffix followed the id, and the events of "a" and the request "a:ev" had one name. Keys that belong to no
    listed request stay where they are: a commit that failed half-way left them, and its event was refused.
    """
    moved = 0
    for name in sorted(await connection.execute("SMEMBERS", keys.TENANTS)):
        tenant = name.decode(errors="replace")
        if "{" in tenant or "}" in tenant or not tenant:
            continue  # no name of a tenant, so nothing was ever stored under it
        start = 0
        while ids := await connection.execute("ZRANGE", keys.tenant_keys(tenant).index, start, start + PAGE - 1):
            calls = [_move(tenant, raw.decode()) for raw in ids]
            for reply in await connection.call_many(calls):
                if isinstance(reply, AnswerbyError):
                    raise reply
                moved += reply
            start += len(ids)
    return moved


def _move(tenant: str, request_id: str) -> Call:
    names = keys.tenant_keys(tenant)
    old = f"ab:{{{tenant}}}:r:{request_id}"
    new = [names.request(request_id), names.events(request_id), names.decisions(request_id)]
    return Call("schema/move_request", [old, f"{old}:ev", f"{old}:dec", *new], [])


STEPS: Mapping[int, Callable[[Connection], Awaitable[int]]] = {1: _names_after_kinds}
"""Schema version -> the way to the next one. Returns how many keys were changed."""
