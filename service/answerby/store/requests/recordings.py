"""Recordings: whole stored requests for backtests, in the order of receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.event import Event
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import TenantKeys, tenant_keys


class RecordedAfter(NamedTuple):
    """The place of a request in the order of receipt: epoch microseconds, then its id."""

    created_us: int
    request_id: str


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its events in the order of the decisions, and as many decisions."""

    place: RecordedAfter
    number: str
    created: datetime
    events: list[Event]
    decisions: list[Decision]


class Recordings:
    """The recordings of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(
        self, tenant: str, since: datetime, until: datetime, after: RecordedAfter | None = None, limit: int = 50
    ) -> list[Recorded]:
        """Requests received in [since, until), oldest first, then by id: at most `limit` after `after`.

        An empty list is the end.
        """
        keys = tenant_keys(tenant)
        places = await self._places(keys, codec.to_us(since), codec.to_us(until), after, limit)
        commands: list[Sequence[str | bytes | int]] = []
        for place in places:
            request_id = place.request_id
            # The decisions come first. A commit in between then adds an event too many, and no decision lacks its
            # event.
            commands += [
                ("HGET", keys.request(request_id), "n"),
                ("LRANGE", keys.decisions(request_id), 0, -1),
                ("LRANGE", keys.events(request_id), 0, -1),
            ]
        replies = await self._connection.execute_many(commands) if commands else []
        return [_recorded(place, *replies[3 * at : 3 * at + 3]) for at, place in enumerate(places)]

    async def _places(
        self, keys: TenantKeys, since: int, until: int, after: RecordedAfter | None, limit: int
    ) -> list[RecordedAfter]:
        """The members after `after`.

        Members of one score come in the order of their names, so earlier ones are skipped.
        """
        first, offset, found = since, 0, list[RecordedAfter]()
        if after is not None:
            first = max(since, after.created_us)
        while len(found) < limit:
            page = await self._connection.execute(
                "ZRANGEBYSCORE", keys.index, first, f"({until}", "WITHSCORES", "LIMIT", offset, limit
            )
            places = [RecordedAfter(score, name) for name, score in _pairs(page)]
            found += [place for place in places if after is None or place > after]
            offset += limit
            if len(places) < limit:
                break
        return found[:limit]


def _pairs(page: Sequence[Any]) -> list[tuple[str, int]]:
    """Names and scores, in either form of the client."""
    nested = bool(page) and isinstance(page[0], (list, tuple))
    pairs = page if nested else zip(page[::2], page[1::2], strict=True)
    return [(name.decode(), int(float(score))) for name, score in pairs]


def _recorded(place: RecordedAfter, number: bytes | None, decisions: list[bytes], events: list[bytes]) -> Recorded:
    decided = [codec.decode_decision(raw, number) for raw in decisions]
    return Recorded(
        place=place,
        number=number.decode() if number else "",
        created=codec.from_us(place.created_us),
        events=[codec.decode_event(raw) for raw in events[: len(decided)]],
        decisions=decided,
    )
