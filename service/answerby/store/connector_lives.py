"""The lives of connectors: what all workers know of a platform, and what an operator has said."""

from __future__ import annotations

from datetime import datetime

import msgspec

from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.connector_life import ConnectorLife, DeliveryLine, DeliveryRecord, PauseRecord
from answerby.store.keys import target_of, tenant_keys
from answerby.store.records import OutboxEntry
from answerby.store.unreadable import UNDECODABLE

_pause = msgspec.json.Decoder(PauseRecord)
_record = msgspec.json.Decoder(DeliveryRecord)


class ConnectorLives:
    """The lives of the connectors of every tenant. All methods raise StoreUnavailable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, tenant: str, connector: str) -> ConnectorLife:
        """The state of a connector; that of a good one where nothing is known."""
        keys = tenant_keys(tenant)
        raw = await self._connection.execute("HGETALL", keys.outbox_life(connector))
        pairs = raw.items() if isinstance(raw, dict) else zip(raw[::2], raw[1::2], strict=True)
        found = {name.decode(): value.decode(errors="replace") for name, value in pairs}
        names = ("hold", "hold_at", "hold_mark")
        values = await self._connection.execute("HMGET", keys.poll(connector), *names)
        polls = {
            name: value.decode(errors="replace") for name, value in zip(names, values, strict=True) if value is not None
        }
        return _life(found, polls)

    async def pause(self, tenant: str, connector: str, pause: PauseRecord) -> None:
        """Lets no worker lease an entry of the connector from now on. Attempts under way go on."""
        await self._connection.execute("HSET", tenant_keys(tenant).outbox_life(connector), "pause", codec.encode(pause))

    async def let_go(self, tenant: str, connector: str) -> bool:
        """Ends a pause, a hold and a rest. One attempt goes first. False when there was none of them."""
        keys = tenant_keys(tenant)
        return bool(
            await self._connection.call(
                "outbox/let_go", [keys.outbox_life(connector), keys.counter, keys.poll(connector)], []
            )
        )

    async def deliveries(self, tenant: str, request_id: str) -> list[DeliveryLine]:
        """How the attempts at the effects of a request ended, oldest first. Lines that cannot be read are left out."""
        raw = await self._connection.execute("LRANGE", tenant_keys(tenant).deliveries(request_id), 0, -1)
        return [line for line in map(_line, raw) if line is not None]

    async def waiting(self, tenant: str, request_id: str) -> list[OutboxEntry]:
        """The effects of a request that wait or are under way, by connector, in the order in which they go out.

        One that cannot be read is left out; its delivery makes a dead letter of it.
        """
        keys, target = tenant_keys(tenant), target_of(request_id)
        names = sorted(
            raw.decode(errors="replace") for raw in await self._connection.execute("SMEMBERS", keys.outbox_connectors)
        )
        looks: list[tuple[str | int, ...]] = [
            ("ZRANGEBYLEX", keys.outbox_queue(name), f"[{target}:", f"({target};") for name in names
        ]
        queues = await self._connection.execute_together(looks) if looks else []
        ids = [member.split(b":", 3)[3].decode(errors="replace") for queue in queues for member in queue]
        if not ids:
            return []
        entries = await self._connection.execute("HMGET", keys.outbox_entries, *ids)
        metas = await self._connection.execute("HMGET", keys.outbox_meta, *ids)
        found = [_entry(raw, meta) for raw, meta in zip(entries, metas, strict=True)]
        return [entry for entry in found if entry is not None]


def _entry(raw: bytes | None, meta: bytes | None) -> OutboxEntry | None:
    attempts, _, rest = (meta or b"0 - ").partition(b" ")
    try:
        return codec.decode_entry(raw or b"", rest.partition(b" ")[2], int(attempts))
    except UNDECODABLE:
        return None


def _line(raw: bytes) -> DeliveryLine | None:
    first, last, count, text = raw.split(b" ", 3)
    try:
        return DeliveryLine(
            record=_record.decode(text),
            first=codec.from_ms(int(first)),
            last=codec.from_ms(int(last)),
            count=int(count),
        )
    except UNDECODABLE:
        return None


def _life(found: dict[str, str], polls: dict[str, str]) -> ConnectorLife:
    return ConnectorLife(
        pause=_pause_of(found.get("pause", "")),
        hold=found.get("hold", ""),
        hold_since=_time(found, "hold_at"),
        hold_mark=found.get("hold_mark", ""),
        poll_hold=polls.get("hold", ""),
        poll_hold_since=_time(polls, "hold_at"),
        poll_hold_mark=polls.get("hold_mark", ""),
        rests_until=_time(found, "until"),
        failures=int(found.get("fails", "0")),
        away="openings" in found,
        last_good=_time(found, "good_at"),
        last_problem=found.get("why", ""),
    )


def _pause_of(text: str) -> PauseRecord | None:
    """The pause. One that a later version wrote is a pause all the same."""
    if not text:
        return None
    try:
        return _pause.decode(text)
    except UNDECODABLE:
        return PauseRecord(by="", reason="", since=codec.from_ms(0))


def _time(found: dict[str, str], name: str) -> datetime | None:
    return codec.from_ms(float(found[name])) if name in found else None
