"""The lineage of a store: whether it still has what it had when this machine last heard of it.

A store goes back when a backup is restored, when a replica that lags takes over, or when the end of its append-only
file is lost. Decisions that were told are gone then, and without care their numbers would be given again. Each process
of the server is compared once with the marks, before the first call to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from uuid import uuid4

from answerby.store.keys import STORE, tenant_keys
from answerby.store.safety.marks import Known, Marks, Newest

Ask = Callable[..., Awaitable[Any]]
"""Sends one command and returns the reply."""

_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
"""


class Loss(NamedTuple):
    """Decisions of a tenant that were told and are gone."""

    tenant: str
    known: int
    """The number of the newest decision in the log that was told."""
    found: int
    """The number of the newest decision that the store has."""


class Lineage:
    """Compares a store with the marks of this machine."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.losses: list[Loss] = []
        """What was found missing, oldest first."""
        self._run = b""
        """The server process that was compared last."""
        self._comparing = asyncio.Lock()

    async def look(self, ask: Ask) -> None:
        """Compares, unless this server process was compared before. Raises redis errors and OSError."""
        async with self._comparing:
            run = _field(await ask("INFO", "server"), b"run_id")
            if run != self._run:
                await self._compare(ask)
                self._run = run

    async def _compare(self, ask: Ask) -> None:
        store = await ask("HGET", STORE, "id")
        emptied = store is None
        if emptied:
            await ask("HSETNX", STORE, "id", uuid4().hex)
            store = await ask("HGET", STORE, "id")
        files, broken = self.marks.known()
        # A store without an id is empty. Whatever store the marks are about, this one has nothing of it.
        about = [known for known in files if known.store and (emptied or known.store == store.decode())]
        merged = Known(store=store.decode())
        losses = []
        for tenant in sorted({name for known in about for name in (*known.newest, *known.serials)}):
            told = [known.newest[tenant] for known in about if tenant in known.newest]
            found, last = await self._present(ask, tenant)
            gone = [newest for newest in told if await self._is_gone(ask, tenant, newest, found)]
            if gone:
                losses.append(Loss(tenant, max(newest.sequence for newest in gone), found))
                if last is not None:
                    merged.newest[tenant] = last
            elif told:
                merged.newest[tenant] = max(told, key=lambda newest: newest.sequence)
            serials = merged.serials.setdefault(tenant, {})
            for known in about:
                for prefix, serial in known.serials.get(tenant, {}).items():
                    serials[prefix] = max(serial, serials.get(prefix, 0))
            if gone or broken:
                for prefix, serial in serials.items():
                    await ask("EVAL", _RAISE, 1, tenant_keys(tenant).serial(prefix), serial)
        self.marks.adopt(merged, alone=bool(losses) or broken)
        self.losses += losses

    async def _present(self, ask: Ask, tenant: str) -> tuple[int, Newest | None]:
        """The count of the decision log, and its last entry."""
        keys = tenant_keys(tenant)
        found = int(await ask("GET", keys.log_sequence) or 0)
        last = await ask("XREVRANGE", keys.log, "+", "-", "COUNT", 1)
        return found, Newest(found, last[0][0].decode()) if last else None

    async def _is_gone(self, ask: Ask, tenant: str, newest: Newest, found: int) -> bool:
        if found < newest.sequence:
            return True
        log = tenant_keys(tenant).log
        if await ask("XRANGE", log, newest.entry, newest.entry):
            return False
        first = await ask("XRANGE", log, "-", "+", "COUNT", 1)
        # Old entries are trimmed. One that is missing among the others was never here.
        return bool(first) and _place(first[0][0].decode()) < _place(newest.entry)


def _place(entry: str) -> tuple[int, int]:
    milliseconds, _, counter = entry.partition("-")
    return int(milliseconds), int(counter)


def _field(info: bytes, name: bytes) -> bytes:
    """A field of a reply to INFO."""
    return next(line.partition(b":")[2] for line in info.splitlines() if line.startswith(name + b":"))
