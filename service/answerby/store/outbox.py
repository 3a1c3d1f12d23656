"""The outbox: effects that wait for their connector. One effect per request and connector is in flight."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from answerby.domain.errors import RecordUnreadable
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import supersedes_digest, target_of, tenant_keys
from answerby.store.records import Completion, DeadEffect, Lease, OutboxEntry, QueueDepth
from answerby.store.streams import entry_fields, number_of, text_of
from answerby.store.unreadable import UNDECODABLE, Place, RecordKind, Undecodable, Unreadables, decoded

_MILLISECOND = timedelta(milliseconds=1)


class Outbox:
    """The outbox of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def lease(self, tenant: str, connector: str, length: timedelta, limit: int = 10) -> list[Lease]:
        """Leases entries for `length`: at most one per request, oldest first.

        An entry whose lease ended without completion comes again, with the mark `previous_unknown`. An entry that
        cannot be read becomes a dead letter with its reason.
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
        leases = []
        for found in map(_Leased._make, reply):
            try:
                leases.append(_lease(tenant, connector, found))
            except Undecodable as error:
                await self._bury(tenant, connector, found, error)
        return leases

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
        return await self._end(entry.tenant, entry.connector, target_of(entry.request_id), lease.token, completion)

    async def next_attempt(self, tenant: str, connector: str) -> datetime | None:
        """The time of the next possible lease. None when no entry waits."""
        first = await self._connection.execute("ZRANGE", tenant_keys(tenant).outbox_due(connector), 0, 0, "WITHSCORES")
        return codec.from_ms(float(_flat(first)[1])) if first else None

    async def depths(self, tenant: str) -> list[QueueDepth]:
        """Waiting entries and entries in flight, for every connector that ever had an entry, in the order of names."""
        keys = tenant_keys(tenant)
        names = sorted(
            raw.decode(errors="replace") for raw in await self._connection.execute("SMEMBERS", keys.outbox_connectors)
        )
        ages = [keys.outbox_ages(name) for name in names]
        looks: list[tuple[str | int, ...]] = [("ZCARD", key) for key in ages]
        looks += [("ZRANGE", key, 0, 0, "WITHSCORES") for key in ages]
        found = await self._connection.execute_together(looks) if looks else []
        counts, oldest = found[: len(names)], found[len(names) :]
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
        """Queues a dead entry again. The connector must read before writing. False when no entry has this id.

        Raises RecordUnreadable for an entry that this version cannot read.
        """
        keys = tenant_keys(tenant)
        found = await self._connection.execute("XRANGE", keys.outbox_dead, dead_id, dead_id)
        if not found:
            return False
        entry = _dead_effect(found[0]).entry
        if entry is None:
            raise RecordUnreadable(f"the dead effect {dead_id} cannot be read; run the version that wrote it")
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

    async def _bury(self, tenant: str, connector: str, found: _Leased, error: Undecodable) -> None:
        """Moves a leased entry that cannot be read to the dead letters."""
        await self._unreadable.note(error)
        completion = Completion.dead(f"cannot be read: {error.reason}")
        await self._end(tenant, connector, found.target, found.token, completion)

    async def _end(self, tenant: str, connector: str, target: str | bytes, token: int, completion: Completion) -> bool:
        keys = tenant_keys(tenant)
        held = await self._connection.call(
            "outbox/complete",
            [
                keys.outbox_due(connector),
                keys.outbox_queue(connector),
                keys.outbox_ages(connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.outbox_leases(connector),
                keys.outbox_dead,
            ],
            [
                target,
                str(token),
                completion.kind.value,
                completion.reason,
                max(0, completion.wait // _MILLISECOND),
                int(completion.unknown),
                connector,
            ],
        )
        return bool(held)


class _Leased(NamedTuple):
    """A leased entry, as stored."""

    entry: bytes
    number: bytes
    attempts: int
    token: int
    previous_unknown: int
    target: bytes
    effect_id: bytes


def _lease(tenant: str, connector: str, found: _Leased) -> Lease:
    """Raises Undecodable."""
    place = Place(
        RecordKind.EFFECT, tenant, tenant_keys(tenant).outbox_entries, found.effect_id.decode(errors="replace")
    )
    entry = decoded(place, found.entry, codec.decode_entry, found.number, found.attempts)
    target = found.target.decode(errors="replace")
    if (entry.tenant, entry.connector, target_of(entry.request_id)) != (tenant, connector, target):
        raise Undecodable(place, found.entry, "the entry belongs to another tenant, connector or request")
    return Lease(entry=entry, token=found.token, previous_unknown=bool(found.previous_unknown))


def _dead_effect(entry: Any) -> DeadEffect:
    dead_id, fields = entry_fields(entry)
    return DeadEffect(
        id=dead_id,
        connector=text_of(fields, "c"),
        entry=_dead_entry(fields),
        payload=fields.get("e", b""),
        reason=text_of(fields, "w"),
        died=codec.decode_place(dead_id).time,
    )


def _dead_entry(fields: dict[str, bytes]) -> OutboxEntry | None:
    try:
        return codec.decode_entry(fields.get("e", b""), fields.get("u", b""), number_of(fields, "a"))
    except UNDECODABLE:
        return None


def _flat(pairs: Any) -> Any:
    """A member with its score, in every grouping of the client."""
    return pairs[0] if isinstance(pairs[0], (tuple, list)) else pairs
