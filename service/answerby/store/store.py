"""The store: one connection, and one service for each concern."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import datetime

from answerby.store.connection import Connection, StoreOptions, translated
from answerby.store.connector_lives import ConnectorLives
from answerby.store.event_memory import EventMemory
from answerby.store.intake import Intake
from answerby.store.outbox import Outbox
from answerby.store.polls import Polls
from answerby.store.requests.listing import Listing
from answerby.store.requests.log import DecisionLog
from answerby.store.requests.recordings import Recordings
from answerby.store.requests.requests import Requests
from answerby.store.rulebooks.candidates import Candidates
from answerby.store.rulebooks.revisions import Revisions
from answerby.store.rulebooks.workers import Workers
from answerby.store.safety.durability import Durability
from answerby.store.safety.lineage import Loss
from answerby.store.schedules import Schedules
from answerby.store.schema import Migration, bring_up_to_date
from answerby.store.tenants import Tenants
from answerby.store.timers import Timers
from answerby.store.unreadable import Unreadables

SYNCS = {
    "everysec": "a loss of power, or a kill of the store on a busy disk, loses accepted events of the last two seconds",
    "no": "a loss of power loses accepted events of the last half minute",
}
"""What may be lost, by the setting of the append-only file. With `always` nothing is."""


class Store:
    """Everything durable, with one service for each concern. Many tasks of one event loop may share a store."""

    def __init__(self, connection: Connection, migration: Migration | None = None) -> None:
        self._connection = connection
        self.migration = migration
        """What had to be done to the store; None for a store that was up to date."""
        self.unreadable = unreadable = Unreadables(connection)
        self.tenants = Tenants(connection, unreadable)
        self.requests = Requests(connection, self.tenants, unreadable)
        self.listing = Listing(connection, unreadable)
        self.recordings = Recordings(connection, unreadable)
        self.log = DecisionLog(connection, unreadable)
        self.event_memory = EventMemory(connection, self.requests)
        self.intake = Intake(connection)
        self.polls = Polls(connection)
        self.timers = Timers(connection, self.requests, unreadable)
        self.schedules = Schedules(connection, unreadable)
        self.outbox = Outbox(connection, unreadable)
        self.connectors = ConnectorLives(connection)
        self.revisions = Revisions(connection, unreadable)
        self.candidates = Candidates(connection, unreadable)
        self.workers = Workers(connection, unreadable)

    @classmethod
    async def connect(cls, url: str, options: StoreOptions | None = None) -> Store:
        """Connects to `redis://`, `rediss://` or `unix://`, and brings the store to the current schema.

        Raises StoreUnavailable, also for Redis < 7.0, StoreNewer and OlderServersRun.
        """
        async with AsyncExitStack() as failed:
            connection = Connection(url, options or StoreOptions())
            failed.push_async_callback(connection.close)
            await connection.open()
            store = cls(connection, await bring_up_to_date(connection))
            failed.pop_all()
        return store

    async def close(self) -> None:
        """Closes the connections. Calls under way fail."""
        await self._connection.close()

    @property
    def losses(self) -> list[Loss]:
        """Decisions that callers heard of and that the store has no more, oldest first."""
        return self._connection.losses

    async def ping(self) -> None:
        """Asks the server for an answer. Raises StoreUnavailable."""
        await self._connection.execute("PING")

    async def time(self) -> datetime:
        """The server's time, which all workers share. Raises StoreUnavailable."""
        return await self._connection.time()

    async def check(self) -> list[str]:
        """Pings the server. Returns warnings, each with its remedy, on settings that can lose data.

        Raises StoreUnavailable.
        """
        await self.ping()
        with translated():
            persistence = await self._connection.client.info("persistence")
        warnings = []
        if not persistence.get("aof_enabled"):
            warnings.append("appendonly is no: a crash of the store loses accepted events; set it to yes")
        elif self._connection.options.durability is Durability.SERVER:
            setting = await self._connection.setting("appendfsync")
            if risk := SYNCS.get(setting):
                warnings.append(
                    f"appendfsync is {setting}: {risk}; set it to always, or set store.durability to acknowledged"
                )
        if (await self._replicas()) and await self._connection.setting("min-replicas-to-write") == "0":
            warnings.append(
                "replicas follow, and a failover to one that lags loses accepted events; that is found out afterwards."
                " With min-replicas-to-write 1 and a small min-replicas-max-lag it loses less"
            )
        return warnings

    async def _replicas(self) -> int:
        with translated():
            found = await self._connection.client.info("replication")
        return int(found.get("connected_slaves", 0))
