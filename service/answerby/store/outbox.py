"""The outbox: effects that wait for their connector. One effect per request and connector is in flight."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from answerby.domain.errors import AnswerbyError, RecordUnreadable
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.connector_life import Became, DeliveryRecord, Offer, Report, Standing
from answerby.store.keys import supersedes_digest, target_of, tenant_keys
from answerby.store.records import Completion, DeadEffect, Lease, OutboxEntry, QueueDepth
from answerby.store.streams import entry_fields, number_of, text_of
from answerby.store.unreadable import UNDECODABLE, Place, RecordKind, Undecodable, Unreadables, decoded

_MILLISECOND = timedelta(milliseconds=1)
_pack = msgspec.msgpack.Encoder().encode
PROBE = timedelta(minutes=5)
RECORDS_KEPT = 50
"""Most ends of attempts that a request keeps."""


class EffectSuperseded(AnswerbyError):
    """A newer decision of the request replaced this effect; discard the dead letter."""

    reason = "EFFECT_SUPERSEDED"


class Outbox:
    """The outbox of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def offer(
        self,
        tenant: str,
        connector: str,
        length: timedelta,
        limit: int = 10,
        *,
        mark: str = "",
        rate: float = 0.0,
        probe: timedelta = PROBE,
    ) -> Offer:
        """Leases entries for `length`: at most one per request, the most urgent first, unless the connector waits.

        `mark` stands for the settings of the caller, `rate` is the most leases in a second (0: no limit), `probe` the
        interval of single attempts while the platform refuses the connector. An entry whose lease ended without
        completion comes again, with the mark `previous_unknown`. An entry that cannot be read becomes a dead letter
        with its reason.
        """
        keys = tenant_keys(tenant)
        standing, wait, found = await self._connection.call(
            "outbox/lease",
            [
                keys.outbox_due(connector),
                keys.outbox_queue(connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.outbox_leases(connector),
                keys.counter,
                keys.outbox_life(connector),
            ],
            [limit, length // _MILLISECOND, mark, probe // _MILLISECOND, str(rate)],
        )
        leases = []
        for one in map(_Leased._make, found):
            try:
                leases.append(_lease(tenant, connector, one))
            except Undecodable as error:
                await self._bury(tenant, connector, one, error)
        return Offer(standing=Standing(standing.decode()), leases=leases, wait=timedelta(milliseconds=wait))

    async def lease(self, tenant: str, connector: str, length: timedelta, limit: int = 10) -> list[Lease]:
        """The leases of an offer."""
        return (await self.offer(tenant, connector, length, limit)).leases

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

    async def complete(
        self,
        lease: Lease,
        completion: Completion,
        report: Report | None = None,
        record: DeliveryRecord | None = None,
    ) -> Became:
        """Ends a delivery. LOST when another worker has the lease. The store is then unchanged.

        A retry without `unknown` is dropped when a newer entry that supersedes the entry already waits. `report` goes
        into the life of the connector, and `record` into the deliveries of the request.
        """
        entry = lease.entry
        place = _Target(entry.tenant, entry.connector, target_of(entry.request_id), lease.token, entry.request_id)
        return await self._end(place, completion, report or Report(), record)

    async def next_attempt(self, tenant: str, connector: str) -> datetime | None:
        """The time of the next possible lease. None when no entry waits, the epoch when none was tried yet."""
        first = await self._connection.execute("ZRANGE", tenant_keys(tenant).outbox_due(connector), 0, 0, "WITHSCORES")
        return codec.from_ms(max(0.0, float(_flat(first)[1]))) if first else None

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

        Raises RecordUnreadable for an entry that this version cannot read, and EffectSuperseded for one that a newer
        decision of its request replaced.
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
                keys.newest(entry.request_id),
            ],
            [
                dead_id,
                target_of(entry.request_id),
                supersedes_digest(entry.effect.supersedes),
                entry.effect_id,
                codec.encode(entry),
                entry.number,
                entry.connector,
                entry.decision_sequence,
            ],
        )
        if replayed < 0:
            raise EffectSuperseded(
                f"decision {-replayed} of the request replaced this effect of decision {entry.decision_sequence}; "
                "discard the dead letter",
                name=dead_id,
            )
        return bool(replayed)

    async def discard_dead(self, tenant: str, dead_id: str) -> bool:
        """Deletes a dead entry. False when no entry has this id."""
        return bool(await self._connection.execute("XDEL", tenant_keys(tenant).outbox_dead, dead_id))

    async def _bury(self, tenant: str, connector: str, found: _Leased, error: Undecodable) -> None:
        """Moves a leased entry that cannot be read to the dead letters."""
        await self._unreadable.note(error)
        completion = Completion.dead(f"cannot be read: {error.reason}")
        target = found.target.decode(errors="replace")
        await self._end(_Target(tenant, connector, target, found.token, ""), completion, Report(), None)

    async def _end(
        self, place: _Target, completion: Completion, report: Report, record: DeliveryRecord | None
    ) -> Became:
        keys, connector, rests = tenant_keys(place.tenant), place.connector, report.rests
        call = CompleteCall(
            target=place.target,
            token=str(place.token),
            kind=completion.kind.value,
            reason=completion.reason,
            wait=max(0, completion.wait // _MILLISECOND),
            settle=max(0, completion.settle // _MILLISECOND),
            unknown=completion.unknown,
            connector=connector,
            answer=report.answer.value,
            platform_wait=int(report.wait * 1000),
            mark=report.mark,
            threshold=rests.threshold,
            rest_first=int(rests.first * 1000),
            rest_most=int(rests.most * 1000),
            full=rests.full,
            probe=int(rests.probe * 1000),
            record="" if record is None else codec.encode(record).decode(),
            records=RECORDS_KEPT,
        )
        became = await self._connection.call(
            "outbox/complete",
            [
                keys.outbox_due(connector),
                keys.outbox_queue(connector),
                keys.outbox_ages(connector),
                keys.outbox_entries,
                keys.outbox_meta,
                keys.outbox_leases(connector),
                keys.outbox_dead,
                keys.outbox_life(connector),
                keys.counter,
                keys.deliveries(place.request_id),
            ],
            [_pack(call)],
        )
        return Became(became.decode())


class CompleteCall(msgspec.Struct, kw_only=True):
    """The arguments of `lua/outbox/complete.lua`. Times are ms."""

    target: str
    token: str
    kind: str
    reason: str
    wait: int
    settle: int
    unknown: bool
    connector: str
    answer: str
    platform_wait: int
    mark: str
    threshold: int
    rest_first: int
    rest_most: int
    full: int
    probe: int
    record: str
    records: int


class _Target(NamedTuple):
    """The request at a connector whose lease ends. `request_id` is empty where nobody knows it."""

    tenant: str
    connector: str
    target: str
    token: int
    request_id: str


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
