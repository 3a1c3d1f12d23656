"""The decision log: every decision of a tenant in the order of commits, numbered without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from answerby.domain.errors import ResumeTokenExpired
from answerby.store import codec
from answerby.store.connection import MAX_BLOCK_MS, Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import LoggedDecision
from answerby.store.streams import entry_fields
from answerby.store.tokens import Position, decode_position, encode_position
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

_START = Position("0-0", -1)
"""The position before every retained entry, whatever its number."""


class DecisionLog:
    """The log of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def read(
        self, tenant: str, after_token: str = "", count: int = 100, block_ms: int = 0
    ) -> list[LoggedDecision]:
        """Decisions after a token (empty: from the oldest retained one), in order.

        The call waits at most `block_ms` (no more than 30,000) for the first decision. Raises ResumeTokenExpired, with
        the oldest token in its metadata, when decisions after the token are no longer retained. Raises InvalidInput for
        a foreign token.
        """
        position = decode_position(tenant, after_token) if after_token else _START
        found = await self._entries(tenant, position, count)
        if not found and block_ms > 0:
            await self._wait(tenant, position, block_ms)
            found = await self._entries(tenant, position, count)
        return found

    async def oldest_token(self, tenant: str) -> str:
        """The token before every retained decision."""
        counter, first, _last = await self._ends(tenant)
        if first is None:
            return encode_position(tenant, Position("0-0", counter))
        return encode_position(tenant, Position("0-0", first.sequence - 1))

    async def latest_token(self, tenant: str) -> str:
        """The token after every present decision."""
        counter, _first, last = await self._ends(tenant)
        return encode_position(tenant, last or Position("0-0", counter))

    async def trim(self, tenant: str, now: datetime) -> int:
        """Drops entries that exceed the retained age or number. Returns the number of dropped entries."""
        log = tenant_keys(tenant).log
        options = self._connection.options
        oldest = codec.to_ms(now - options.log_retention)
        by_age, by_length = await self._connection.execute_many(
            [("XTRIM", log, "MINID", "=", oldest), ("XTRIM", log, "MAXLEN", "=", options.log_max_length)]
        )
        return int(by_age) + int(by_length)

    async def _entries(self, tenant: str, position: Position, count: int) -> list[LoggedDecision]:
        keys = tenant_keys(tenant)
        counter, *entries = await self._connection.call(
            "log/read", [keys.log, keys.log_sequence], [position.stream_id, count]
        )
        found = await self._logged(tenant, entries, position.sequence)
        if position is not _START:
            newest_before = found[0].log_sequence - 1 if found else int(counter or 0)
            if newest_before != position.sequence:
                raise ResumeTokenExpired(oldest_token=await self.oldest_token(tenant))
        return found

    async def _logged(self, tenant: str, entries: Sequence[Any], before: int) -> list[LoggedDecision]:
        """The entries after the sequence `before`. An entry that cannot be read keeps its place, without a decision."""
        found: list[LoggedDecision] = []
        for entry in entries:
            try:
                logged = _logged(tenant, entry)
            except Undecodable as error:
                reason = (await self._unreadable.note(error)).message
                sequence = _sequence(entry)
                if sequence is None:
                    sequence = (found[-1].log_sequence if found else before) + 1
                token = encode_position(tenant, Position(entry_fields(entry)[0], sequence))
                logged = LoggedDecision(token=token, log_sequence=sequence, decision=None, unreadable=reason)
            found.append(logged)
        return found

    async def _wait(self, tenant: str, position: Position, block_ms: int) -> None:
        blocking = ("BLOCK", min(block_ms, MAX_BLOCK_MS))
        streams = ("STREAMS", tenant_keys(tenant).log, position.stream_id)
        await self._connection.execute_blocking("XREAD", "COUNT", 1, *blocking, *streams)

    async def _ends(self, tenant: str) -> tuple[int, Position | None, Position | None]:
        keys = tenant_keys(tenant)
        counter, first, last = await self._connection.call("log/ends", [keys.log, keys.log_sequence])
        return int(counter or 0), _position(first), _position(last)


def _position(entry: Any) -> Position | None:
    if entry is None:
        return None
    return Position(entry_fields(entry)[0], _sequence(entry) or 0)


def _sequence(entry: Any) -> int | None:
    """The number of an entry. None for an entry without one."""
    number = entry_fields(entry)[1].get("n", b"")
    return int(number) if number.isdigit() else None


def _logged(tenant: str, entry: Any) -> LoggedDecision:
    """Raises Undecodable."""
    stream_id, fields = entry_fields(entry)
    place = Place(RecordKind.LOG, tenant, tenant_keys(tenant).log, stream_id)
    sequence = _sequence(entry)
    if sequence is None:
        raise Undecodable(place, repr(fields).encode(), "the entry has no number")
    decision = decoded(place, fields.get("d", b""), codec.decode_decision, fields.get("u"))
    return LoggedDecision(
        token=encode_position(tenant, Position(stream_id, sequence)), log_sequence=sequence, decision=decision
    )
