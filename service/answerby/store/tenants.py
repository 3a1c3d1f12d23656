"""Tenants: the names of all tenants with stored data."""

from __future__ import annotations

from answerby.store.connection import Connection
from answerby.store.keys import TENANTS


class Tenants:
    """The names of all tenants. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._registered: set[str] = set()

    async def names(self) -> list[str]:
        """Every tenant that ever stored data, in order."""
        return sorted(name.decode() for name in await self._connection.execute("SMEMBERS", TENANTS))

    async def register(self, tenants: set[str]) -> None:
        """Adds names. The server gets only names that this process has not registered before."""
        new = sorted(tenants - self._registered)
        if new:
            await self._connection.execute("SADD", TENANTS, *new)
            self._registered.update(new)
