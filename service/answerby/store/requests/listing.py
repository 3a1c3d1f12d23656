"""Lists of requests, newest first, by filter and page."""

from __future__ import annotations

from typing import Any

from answerby.domain.errors import AnswerbyError, InvalidPageToken
from answerby.domain.request import RequestState
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import TenantKeys, tenant_keys
from answerby.store.records import RequestFilter, RequestPage
from answerby.store.requests.requests import read_state
from answerby.store.tokens import decode_page, encode_page
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables

_LOOKS = 2_000
"""The number of index entries per call, so that a rare match keeps the server busy for milliseconds only."""
_CALLS = 50


class Listing:
    """The request lists of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, unreadable: Unreadables) -> None:
        self._connection = connection
        self._unreadable = unreadable

    async def page(
        self, tenant: str, query: RequestFilter | None = None, page_token: str = "", limit: int = 50
    ) -> RequestPage:
        """One page, newest first. Raises InvalidPageToken for a token of another tenant or filter.

        A page may be short, even empty, before the end: only an empty `next_token` is the end. Every request of the
        page passes the filter as it is shown. A request that cannot be read is named instead.
        """
        query = query or RequestFilter()
        keys = tenant_keys(tenant)
        after = decode_page(tenant, query, page_token).encode() if page_token else b""
        found: list[bytes] = []
        ended = False
        for _ in range(_CALLS):
            ended, after, ids = await self._scan(keys, query, after, limit - len(found))
            found += ids
            if ended or len(found) == limit:
                break
        requests, unreadable = await self._states(keys, found, query)
        return RequestPage(
            requests=requests,
            unreadable=unreadable,
            next_token="" if ended else encode_page(tenant, query, after.decode(errors="replace")),
        )

    async def _scan(
        self, keys: TenantKeys, query: RequestFilter, after: bytes, limit: int
    ) -> tuple[bool, bytes, list[bytes]]:
        reply: list[Any] = await self._connection.call(
            "requests/list", [keys.index, keys.facets], [after, limit, _LOOKS, _wanted(query)]
        )
        if reply[0] == -1:
            raise InvalidPageToken
        last, *ids = reply[1:]
        return reply[0] == 1, last, ids

    async def _states(
        self, keys: TenantKeys, found: list[bytes], query: RequestFilter
    ) -> tuple[list[RequestState], list[str]]:
        """The requests that still pass the filter, and the ids of those that cannot be read."""
        # An id that is no text has no state under its name, and is named as unreadable.
        request_ids = [request_id.decode(errors="replace") for request_id in found]
        replies = await self._connection.execute_each(
            [("HMGET", keys.request(request_id), "s", "n") for request_id in request_ids]
        )
        requests: list[RequestState] = []
        unreadable: list[str] = []
        for request_id, reply in zip(request_ids, replies, strict=True):
            try:
                state = _read(keys.tenant, request_id, reply)
            except Undecodable as error:
                await self._unreadable.note(error)
                unreadable.append(request_id)
                continue
            if passes(state, query):
                requests.append(state)
        return requests, unreadable


def passes(state: RequestState, query: RequestFilter) -> bool:
    """Whether the filter takes the request as it is now. The index may be a moment older."""
    facets = codec.facets_of(state)
    return all(not wanted or value in wanted for value, wanted in zip(facets, _filters(query), strict=True))


def _read(tenant: str, request_id: str, reply: Any) -> RequestState:
    """Raises Undecodable."""
    place = Place(RecordKind.STATE, tenant, tenant_keys(tenant).request(request_id), "s")
    if isinstance(reply, AnswerbyError):
        raise Undecodable(place, b"", reply.message)
    state, number = reply
    if state is None:
        raise Undecodable(place, b"", "the request is listed and has no state")
    return read_state(tenant, request_id, state, number)


def _filters(query: RequestFilter) -> tuple[tuple[str, ...], ...]:
    """The wanted values, in the order of the facets."""
    breached = ("1",) if query.breached_only else ()
    return query.categories, query.priorities, query.statuses, query.departments, breached


def _wanted(query: RequestFilter) -> bytes:
    return codec.encode(_filters(query))
