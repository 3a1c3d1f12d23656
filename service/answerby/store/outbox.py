"""The outbox: effects that wait for their connector. One effect per request and connector is in flight."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import supersedes_digest, target_of, tenant_keys
from answerby.store.records import Completion, DeadEffect, Lease, OutboxEntry, QueueDepth
from answerby.store.streams import entry_fields

_MILLISECOND = timedelta(milliseconds=1)


class Outbox:
    """The outbox of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lease(self, tenant: str, connector: str, length: timedelta, limit: int = 10) -> list[Lease]:
        """Leases entries for `length`: at most one per request, oldest first.

        An entry whose lease ended without completion comes again, with the mark `previous_unknown`.
        """
        keys = tenant_keys(tenant)
        reply = await self._connection.call(
            "outbox/lease",
            [
                keys.outbox_due(connector),
                keys.outbox_queue(connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.outbox_leases(connector),
                keys.counter,
            ],
            [limit, length // _MILLISECOND],
        )
        return [
            Lease(
                entry=codec.decode_entry(entry, number, attempts), token=token, previous_unknown=bool(previous_unknown)
            )
            for entry, number, attempts, token, previous_unknown in reply
        ]

    async def renew(self, lease: Lease, length: timedelta) -> bool:
        """Extends a lease to `length` from now. False when the lease was lost."""
        entry = lease.entry
        keys = tenant_keys(entry.tenant)
        held = await self._connection.call(
            "outbox/renew",
            [keys.outbox_due(entry.connector), keys.outbox_leases(entry.connector)],
            [target_of(entry.request_id), str(lease.token), length // _MILLISECOND],
        )
        return bool(held)

    async def complete(self, lease: Lease, completion: Completion) -> bool:
        """Ends a delivery. False when another worker has the lease. The store is then unchanged.

        A retry without `unknown` is dropped when a newer entry that supersedes the entry already waits.
        """
        entry = lease.entry
        keys = tenant_keys(entry.tenant)
        held = await self._connection.call(
            "outbox/complete",
            [
                keys.outbox_due(entry.connector),
                keys.outbox_queue(entry.connector),
                keys.outbox_ages(entry.connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.outbox_leases(entry.connector),
                keys.outbox_dead,
            ],
            [
                target_of(entry.request_id),
                str(lease.token),
                completion.kind.value,
                completion.reason,
                codec.to_ms(completion.retry_at) if completion.retry_at else 0,
                int(completion.unknown),
                entry.connector,
            ],
        )
        return bool(held)

    async def next_attempt(self, tenant: str, connector: str) -> datetime | None:
        """The time of the next possible lease. None when no entry waits."""
        first = await self._connection.execute("ZRANGE", tenant_keys(tenant).outbox_due(connector), 0, 0, "WITHSCORES")
        return codec.from_ms(float(_flat(first)[1])) if first else None

    async def depths(self, tenant: str) -> list[QueueDepth]:
        """Waiting entries and entries in flight, for every connector that ever had an entry, in the order of names."""
        keys = tenant_keys(tenant)
        names = sorted(name.decode() for name in await self._connection.execute("SMEMBERS", keys.outbox_connectors))
        ages = [keys.outbox_ages(name) for name in names]
        counts = await self._connection.execute_many([("ZCARD", key) for key in ages])
        oldest = await self._connection.execute_many([("ZRANGE", key, 0, 0, "WITHSCORES") for key in ages])
        return [
            QueueDepth(connector=name, waiting=waiting, oldest=codec.from_ms(float(_flat(first)[1])) if first else None)
            for name, waiting, first in zip(names, counts, oldest, strict=True)
        ]

    async def dead(self, tenant: str, after: str = "", limit: int = 100) -> list[DeadEffect]:
        """The dead entries, oldest first. The last id as `after` gives the next page."""
        reply = await self._connection.execute(
            "XRANGE", tenant_keys(tenant).outbox_dead, f"({after}" if after else "-", "+", "COUNT", limit
        )
        return [_dead_effect(entry) for entry in reply]

    async def replay_dead(self, tenant: str, dead_id: str) -> bool:
        """Queues a dead entry again. The connector must read before writing. False when no entry has this id."""
        keys = tenant_keys(tenant)
        found = await self._connection.execute("XRANGE", keys.outbox_dead, dead_id, dead_id)
        if not found:
            return False
        entry = _dead_effect(found[0]).entry
        replayed = await self._connection.call(
            "outbox/replay",
            [
                keys.outbox_dead,
                keys.outbox_due(entry.connector),
                keys.outbox_queue(entry.connector),
                keys.outbox_ages(entry.connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.counter,
            ],
            [
                dead_id,
                target_of(entry.request_id),
                supersedes_digest(entry.effect.supersedes),
                entry.effect_id,
                codec.encode(entry),
                entry.number,
            ],
        )
        return bool(replayed)

    async def discard_dead(self, tenant: str, dead_id: str) -> bool:
        """Deletes a dead entry. False when no entry has this id."""
        return bool(await self._connection.execute("XDEL", tenant_keys(tenant).outbox_dead, dead_id))


def _dead_effect(entry: Any) -> DeadEffect:
    dead_id, fields = entry_fields(entry)
    return DeadEffect(
        id=dead_id,
        entry=_dead_entry(fields),
        reason=fields["w"].decode(),
        died=codec.decode_place(dead_id).time,
    )


def _dead_entry(fields: dict[str, bytes]) -> OutboxEntry:
    return codec.decode_entry(fields["e"], fields["u"], int(fields["a"]))


def _flat(pairs: Any) -> Any:
    """A member with its score, in every grouping of the client."""
    return pairs[0] if isinstance(pairs[0], (tuple, list)) else pairs
