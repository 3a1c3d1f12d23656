"""Schedules: the progress of each one. One worker at a time fires a schedule, and each occurrence fires once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from answerby.domain.decision import Decision
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import target_of, tenant_keys
from answerby.store.records import OutboxEntry, ScheduleRecord
from answerby.store.unreadable import UNDECODABLE, Place, RecordKind, Undecodable, Unreadables, decoded

DECISIONS_KEPT = 400
"""The number for each schedule: more than a year of daily firings."""
_MILLISECOND = timedelta(milliseconds=1)
_pack = msgspec.msgpack.Encoder().encode


class FiringCall(msgspec.Struct, kw_only=True):
    """The arguments of `lua/schedules/commit.lua` beside the decision. Times are epoch ms, as text for comparisons."""

    schedule: str
    request_id: str
    since: str
    time: str
    sequence: int
    kept: int
    target: str
    outbox: list[tuple[str, list[tuple[str, str]]]]
    """Connector, then effect id and entry JSON."""
    follow_ups: list[str]
    """Events for the intake, JSON."""


class Schedules:
    """The schedules of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def records(
        self, tenant: str, now: datetime, generation: int, schedules: Sequence[str]
    ) -> dict[str, ScheduleRecord]:
        """The progress of each schedule. A new schedule counts from `now`.

        Records of other schedules are deleted, unless a later generation of the rulebook than this one knew them. A
        record that cannot be read goes to the dead list. The progress after the latest decision takes its place.
        """
        reply = await self._connection.call(
            "schedules/look", [tenant_keys(tenant).schedules], [codec.to_ms(now), generation, *schedules]
        )
        found = {}
        for name, kept in zip(reply[::2], reply[1::2], strict=True):
            schedule = name.decode()
            place = Place(RecordKind.SCHEDULE, tenant, tenant_keys(tenant).schedules, schedule)
            try:
                found[schedule] = decoded(place, kept, codec.decode_schedule)
            except Undecodable as error:
                await self._unreadable.note(error)
                found[schedule] = await self._mend(tenant, schedule, kept, now, generation)
        return found

    async def _mend(self, tenant: str, schedule: str, kept: bytes, now: datetime, generation: int) -> ScheduleRecord:
        """Puts the progress after the latest decision in place of a record that cannot be read.

        The sequence has to go on: platforms know effects by it.
        """
        latest = await self.decisions(tenant, schedule, limit=DECISIONS_KEPT)
        record = ScheduleRecord(since=now, sequence=0)
        if latest:
            record = ScheduleRecord(since=latest[0].event_time, sequence=max(item.sequence for item in latest))
        mended = await self._connection.call(
            "schedules/mend",
            [tenant_keys(tenant).schedules],
            [schedule, kept, codec.encode_schedule(record, generation)],
        )
        try:
            return codec.decode_schedule(mended)
        except UNDECODABLE:
            return record

    async def claim(self, tenant: str, schedule: str, record: ScheduleRecord, length: timedelta) -> bool:
        """Reserves the next firing for `length`. False when another worker was faster."""
        keys = tenant_keys(tenant)
        token = await self._connection.call(
            "schedules/claim",
            [keys.schedules, keys.schedule_claims, keys.counter],
            [schedule, codec.to_ms(record.since), length // _MILLISECOND],
        )
        return token is not None

    async def commit(
        self, schedule: str, record: ScheduleRecord, decision: Decision, outbox: Sequence[OutboxEntry]
    ) -> bool:
        """Commits a firing completely or not at all, in one Lua call. False when the occurrence had been committed
        before.

        `record` is the progress at the claim. `decision.event_time` is the occurrence. `decision.sequence` is the next
        number.
        """
        keys = tenant_keys(decision.tenant)
        boxes: dict[str, list[tuple[str, str]]] = {}
        for entry in outbox:
            boxes.setdefault(entry.connector, []).append((entry.effect_id, codec.encode(entry).decode()))
        names = [keys.schedules, keys.schedule_claims, keys.schedule_decisions(schedule), keys.log, keys.log_sequence]
        names += [keys.intake, keys.outbox_entries, keys.outbox_meta, keys.counter, keys.outbox_connectors]
        for connector in boxes:
            names += [keys.outbox_due(connector), keys.outbox_queue(connector), keys.outbox_ages(connector)]
        packed = _pack(
            FiringCall(
                schedule=schedule,
                request_id=decision.request_id,
                since=str(codec.to_ms(record.since)),
                time=str(codec.to_ms(decision.event_time)),
                sequence=decision.sequence,
                kept=DECISIONS_KEPT,
                target=target_of(decision.request_id),
                outbox=list(boxes.items()),
                follow_ups=[codec.encode(event).decode() for event in decision.follow_ups],
            )
        )
        stored = msgspec.structs.replace(decision, follow_ups=[])
        reply = await self._connection.call("schedules/commit", names, [packed, codec.encode_decision(stored)])
        return reply is not None

    async def decisions(self, tenant: str, schedule: str, limit: int = 20) -> list[Decision]:
        """The latest firings of a schedule, newest first, without those that cannot be read.

        Empty for a schedule that never fired.
        """
        key = tenant_keys(tenant).schedule_decisions(schedule)
        decisions = []
        for raw in reversed(await self._connection.execute("LRANGE", key, -limit, -1)):
            try:
                decisions.append(decoded(Place(RecordKind.DECISION, tenant, key), raw, codec.decode_decision, None))
            except Undecodable as error:
                await self._unreadable.note(error)
        return decisions
