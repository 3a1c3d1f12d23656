"""Recordings: whole stored requests for backtests, in the order of receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import RecordUnreadable
from answerby.domain.event import Event
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import TenantKeys, tenant_keys
from answerby.store.requests.requests import read_decisions, read_events
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables


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
    unreadable: str = ""
    """The reason where the request cannot be read. It then has neither events nor decisions here."""


class Recordings:
    """The recordings of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def page(
        self, tenant: str, since: datetime, until: datetime, after: RecordedAfter | None = None, limit: int = 50
    ) -> list[Recorded]:
        """Requests received in [since, until), oldest first, then by id: at most `limit` after `after`.

        An empty list is the end.
        """
        keys = tenant_keys(tenant)
        places = await self._places(keys, codec.to_us(since), codec.to_us(until), after, limit)
        if not places:
            return []
        try:
            replies = await self._connection.execute_together([c for place in places for c in _reads(keys, place)])
        except RecordUnreadable:
            return [await self._alone(tenant, place) for place in places]
        return [await self._recorded(tenant, place, *replies[3 * at : 3 * at + 3]) for at, place in enumerate(places)]

    async def _alone(self, tenant: str, place: RecordedAfter) -> Recorded:
        """One request, where a key of another on the page cannot be used."""
        try:
            replies = await self._connection.execute_together(_reads(tenant_keys(tenant), place))
        except RecordUnreadable as error:
            return _unreadable(place, error)
        return await self._recorded(tenant, place, *replies)

    async def _recorded(
        self, tenant: str, place: RecordedAfter, number: bytes | None, events: list[bytes], decisions: list[bytes]
    ) -> Recorded:
        try:
            return _recorded(tenant, place, number, events, decisions)
        except Undecodable as error:
            return _unreadable(place, await self._unreadable.note(error))

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
    return [(name.decode(errors="replace"), int(float(score))) for name, score in pairs]


def _reads(keys: TenantKeys, place: RecordedAfter) -> list[Sequence[str | bytes | int]]:
    request_id = place.request_id
    return [
        ("HGET", keys.request(request_id), "n"),
        ("LRANGE", keys.events(request_id), 0, -1),
        ("LRANGE", keys.decisions(request_id), 0, -1),
    ]


def _recorded(
    tenant: str, place: RecordedAfter, number: bytes | None, events: list[bytes], decisions: list[bytes]
) -> Recorded:
    """Raises Undecodable."""
    if not decisions or len(events) != len(decisions):
        where = Place(RecordKind.KEY, tenant, tenant_keys(tenant).decisions(place.request_id))
        raise Undecodable(where, b"", f"{len(decisions)} decisions on {len(events)} events")
    return Recorded(
        place=place,
        number=number.decode(errors="replace") if number else "",
        created=codec.from_us(place.created_us),
        events=read_events(tenant, place.request_id, events),
        decisions=read_decisions(tenant, place.request_id, decisions, number, 1),
    )


def _unreadable(place: RecordedAfter, error: RecordUnreadable) -> Recorded:
    created = codec.from_us(place.created_us)
    return Recorded(place=place, number="", created=created, events=[], decisions=[], unreadable=error.message)
