"""The decision log: every decision of a tenant in the order of commits, numbered without gaps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from answerby.domain.errors import ResumeTokenExpired
from answerby.store import codec
from answerby.store.connection import MAX_BLOCK_MS, Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import LoggedDecision
from answerby.store.streams import entry_fields
from answerby.store.tokens import Position, decode_position, encode_position

_START = Position("0-0", -1)
"""The position before every retained entry, whatever its number."""


class DecisionLog:
    """The log of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        found = [_logged(tenant, entry) for entry in entries]
        if position is not _START:
            newest_before = found[0].log_sequence - 1 if found else int(counter or 0)
            if newest_before != position.sequence:
                raise ResumeTokenExpired(oldest_token=await self.oldest_token(tenant))
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
    stream_id, fields = entry_fields(entry)
    return Position(stream_id, int(fields["n"]))


def _logged(tenant: str, entry: Any) -> LoggedDecision:
    stream_id, fields = entry_fields(entry)
    sequence = int(fields["n"])
    return LoggedDecision(
        token=encode_position(tenant, Position(stream_id, sequence)),
        log_sequence=sequence,
        decision=codec.decode_decision(fields["d"], fields["u"]),
    )
