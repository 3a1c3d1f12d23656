"""The intake stream: events that wait for a decision. The consumers of one group share the stream."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from answerby.domain.event import Event
from answerby.store import codec
from answerby.store.connection import MAX_BLOCK_MS, Connection, GroupGone, translated
from answerby.store.keys import tenant_keys
from answerby.store.records import DeadIntake, IntakeEntry, StaleClaim
from answerby.store.requests.commit import GROUP
from answerby.store.scripts import execute
from answerby.store.streams import entry_fields, number_of, text_of
from answerby.store.unreadable import UNDECODABLE

_MILLISECOND = timedelta(milliseconds=1)
_SCAN_LIMIT = 100
_PAGE = 1000


class IntakeDepth(NamedTuple):
    """Counts of unread entries and of read entries without acknowledgement, and the place of the oldest entry.

    The place is None when no entry waits.
    """

    unread: int
    pending: int
    oldest: codec.StreamPlace | None


class Intake:
    """The intake of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def open(self, tenant: str) -> None:
        """Creates the stream and the group where they are missing."""
        with translated():
            try:
                await execute(
                    self._connection.client, "XGROUP", "CREATE", tenant_keys(tenant).intake, GROUP, "0", "MKSTREAM"
                )
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def enqueue(self, tenant: str, events: Sequence[Event]) -> list[str]:
        """Stores events for a later decision. Returns their stream ids. An event that is sent twice is decided once."""
        intake = tenant_keys(tenant).intake
        ids = await self._connection.execute_many([("XADD", intake, "*", "e", codec.encode(event)) for event in events])
        return [stream_id.decode() for stream_id in ids]

    async def read(self, tenant: str, consumer: str, count: int = 100, block_ms: int = 0) -> list[IntakeEntry]:
        """New events for this consumer. The call waits at most `block_ms` (no more than 30,000) for the first event."""
        blocking = ("BLOCK", min(block_ms, MAX_BLOCK_MS)) if block_ms > 0 else ()
        command = ("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", count, *blocking)
        reading = self._connection.execute_blocking(*command, "STREAMS", tenant_keys(tenant).intake, ">")
        reply = await self._of_group(tenant, reading, None)
        return [_read(tenant, entry) for _name, found in reply or () for entry in found]

    async def read_own(self, tenant: str, consumer: str, count: int = 100) -> list[IntakeEntry]:
        """Entries that this consumer took before and did not acknowledge.

        A consumer reads them first after a restart.
        """
        reading = self._connection.call("intake/own", [tenant_keys(tenant).intake], [GROUP, consumer, count])
        found = await self._of_group(tenant, reading, [])
        return [_entry(tenant, stream_id.decode(), payload, n) for stream_id, payload, n in found]

    async def claim_stale(
        self, tenant: str, consumer: str, min_idle: timedelta, count: int = 100, max_deliveries: int = 5
    ) -> StaleClaim:
        """Takes over entries that other consumers have held for longer than `min_idle`.

        An entry with `max_deliveries` deliveries becomes a dead letter instead.
        """
        keys = tenant_keys(tenant)
        entries: list[IntakeEntry] = []
        poisoned: list[str] = []
        lost: list[str] = []
        cursor = "0-0"
        for _ in range(_SCAN_LIMIT):
            claiming = self._connection.call(
                "intake/claim",
                [keys.intake, keys.intake_dead],
                [GROUP, consumer, min_idle // _MILLISECOND, count - len(entries), max_deliveries, cursor],
            )
            after, claimed, dead, gone = await self._of_group(tenant, claiming, [b"0-0", [], [], []])
            entries += [_entry(tenant, stream_id.decode(), payload, n) for stream_id, payload, n in claimed]
            poisoned += [stream_id.decode() for stream_id in dead]
            lost += [stream_id.decode() for stream_id in gone]
            cursor = after.decode()
            if cursor == "0-0" or len(entries) >= count:
                break
        return StaleClaim(entries=entries, poisoned=poisoned, lost=lost)

    async def hold(self, tenant: str, consumer: str, stream_ids: Sequence[str]) -> None:
        """Keeps slow entries with this consumer. The call counts as no delivery."""
        if stream_ids:
            await self._of_group(tenant, self._hold(tenant, consumer, stream_ids), None)

    async def _hold(self, tenant: str, consumer: str, stream_ids: Sequence[str]) -> None:
        with translated():
            await self._connection.client.xclaim(
                tenant_keys(tenant).intake, GROUP, consumer, 0, list(stream_ids), justid=True
            )

    async def acknowledge(self, tenant: str, stream_ids: Sequence[str]) -> None:
        """Acknowledges entries that need no commit, such as an event that was accepted before."""
        if stream_ids:
            await self._connection.execute("XACK", tenant_keys(tenant).intake, GROUP, *stream_ids)

    async def give_up(self, entry: IntakeEntry, reason: str) -> bool:
        """Acknowledges an entry and keeps it for a person. False when the entry was no longer pending."""
        keys = tenant_keys(entry.tenant)
        moved = await self._connection.call(
            "intake/dead",
            [keys.intake, keys.intake_dead],
            [GROUP, entry.id, entry.payload, reason, entry.deliveries],
        )
        return bool(moved)

    async def dead(self, tenant: str, after: str = "", limit: int = 100) -> list[DeadIntake]:
        """The dead entries, oldest first. The last id as `after` gives the next page."""
        reply = await self._connection.execute(
            "XRANGE", tenant_keys(tenant).intake_dead, f"({after}" if after else "-", "+", "COUNT", limit
        )
        return [_dead(entry) for entry in reply]

    async def replay_dead(self, tenant: str, dead_id: str) -> bool:
        """Queues a dead entry again. The event keeps its id. False when no entry has this id."""
        keys = tenant_keys(tenant)
        return bool(await self._connection.call("intake/replay", [keys.intake_dead, keys.intake], [dead_id]))

    async def discard_dead(self, tenant: str, dead_id: str) -> bool:
        """Deletes a dead entry. False when no entry has this id."""
        return bool(await self._connection.execute("XDEL", tenant_keys(tenant).intake_dead, dead_id))

    async def contents(self, tenant: str) -> set[tuple[str, str]]:
        """Source and id of every event in the stream: those that wait, and some that no longer do.

        Costs a round trip for each thousand of them.
        """
        found: set[tuple[str, str]] = set()
        after = "-"
        while True:
            reply = await self._connection.execute("XRANGE", tenant_keys(tenant).intake, after, "+", "COUNT", _PAGE)
            entries = [_read(tenant, entry) for entry in reply]
            found.update((entry.event.source, entry.event.id) for entry in entries if entry.event is not None)
            if len(entries) < _PAGE:
                return found
            after = f"({entries[-1].id}"

    async def trim(self, tenant: str) -> int:
        """Drops acknowledged entries. Unread and pending entries stay. Returns the number of dropped entries."""
        return int(await self._connection.call("intake/trim", [tenant_keys(tenant).intake], [GROUP]))

    async def depth(self, tenant: str) -> IntakeDepth:
        """The number of entries that wait."""
        unread, pending, oldest = await self._connection.call("intake/depth", [tenant_keys(tenant).intake], [GROUP])
        return IntakeDepth(unread, pending, codec.decode_place(oldest.decode()) if oldest else None)

    async def _of_group(self, tenant: str, answer: Awaitable[Any], empty: Any) -> Any:
        """The answer, or `empty` where the stream or its group is missing. The call then creates both again.

        They are missing when a store was emptied or replaced by an older copy while consumers run.
        """
        try:
            return await answer
        except GroupGone:
            await self.open(tenant)
            return empty


def _read(tenant: str, entry: Any) -> IntakeEntry:
    stream_id, fields = entry_fields(entry)
    return _entry(tenant, stream_id, fields.get("e", b""), 1)


def _entry(tenant: str, stream_id: str, payload: bytes, deliveries: int) -> IntakeEntry:
    event: Event | None = None
    error = ""
    try:
        event = codec.decode_event(payload)
    except UNDECODABLE as problem:
        error = f"not an event: {problem}"
    if event is not None and event.tenant != tenant:
        event, error = None, "not an event: it belongs to another tenant"
    return IntakeEntry(
        tenant=tenant,
        id=stream_id,
        place=codec.decode_place(stream_id),
        payload=payload,
        event=event,
        error=error,
        deliveries=deliveries,
    )


def _dead(entry: Any) -> DeadIntake:
    dead_id, fields = entry_fields(entry)
    return DeadIntake(
        id=dead_id,
        stream_id=text_of(fields, "i"),
        payload=fields.get("e", b""),
        reason=text_of(fields, "w"),
        deliveries=number_of(fields, "n"),
        died=codec.decode_place(dead_id).time,
    )
