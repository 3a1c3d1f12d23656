"""Tenants: the names of all tenants with stored data."""

from __future__ import annotations

from answerby.domain.errors import InvalidInput
from answerby.store.connection import Connection
from answerby.store.keys import TENANTS, tenant_keys
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded


class Tenants:
    """The names of all tenants. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable
        self._registered: set[str] = set()

    async def names(self) -> list[str]:
        """Every tenant that ever stored data, in order. A name that no tenant can have is left out."""
        found = []
        for raw in await self._connection.execute("SMEMBERS", TENANTS):
            try:
                found.append(decoded(Place(RecordKind.TENANT, "", TENANTS), raw, _tenant_name))
            except Undecodable as error:
                await self._unreadable.note(error)
        return sorted(found)

    async def register(self, tenants: set[str]) -> None:
        """Adds names. The server gets only names that this process has not registered before."""
        new = sorted(tenants - self._registered)
        if new:
            await self._connection.execute("SADD", TENANTS, *new)
            self._registered.update(new)


def _tenant_name(raw: bytes) -> str:
    name = raw.decode()
    try:
        return tenant_keys(name).tenant
    except InvalidInput as error:
        raise ValueError(error.message) from error
