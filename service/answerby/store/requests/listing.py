"""Lists of requests, newest first, by filter and page."""

from __future__ import annotations

from typing import Any

from answerby.domain.errors import InvalidPageToken
from answerby.domain.request import RequestState
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import TenantKeys, tenant_keys
from answerby.store.records import RequestFilter, RequestPage
from answerby.store.tokens import decode_page, encode_page

_LOOKS = 2_000
"""The number of index entries per call, so that a rare match keeps the server busy for milliseconds only."""
_CALLS = 50


class Listing:
    """The request lists of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(
        self, tenant: str, query: RequestFilter | None = None, page_token: str = "", limit: int = 50
    ) -> RequestPage:
        """One page, newest first. Raises InvalidPageToken for a token of another tenant or filter.

        A page may be short, even empty, before the end: only an empty `next_token` is the end.
        """
        query = query or RequestFilter()
        keys = tenant_keys(tenant)
        after = decode_page(tenant, query, page_token) if page_token else ""
        found: list[str] = []
        ended = False
        for _ in range(_CALLS):
            ended, after, ids = await self._scan(keys, query, after, limit - len(found))
            found += ids
            if ended or len(found) == limit:
                break
        return RequestPage(
            requests=await self._states(keys, found),
            next_token="" if ended else encode_page(tenant, query, after),
        )

    async def _scan(
        self, keys: TenantKeys, query: RequestFilter, after: str, limit: int
    ) -> tuple[bool, str, list[str]]:
        reply: list[Any] = await self._connection.call(
            "requests/list", [keys.index, keys.facets], [after, limit, _LOOKS, _wanted(query)]
        )
        if reply[0] == -1:
            raise InvalidPageToken
        last, *ids = [item.decode() for item in reply[1:]]
        return reply[0] == 1, last, ids

    async def _states(self, keys: TenantKeys, request_ids: list[str]) -> list[RequestState]:
        replies = await self._connection.execute_many(
            [("HMGET", keys.request(request_id), "s", "n") for request_id in request_ids]
        )
        return [codec.decode_state(state, number) for state, number in replies]


def _wanted(query: RequestFilter) -> bytes:
    breached = ("1",) if query.breached_only else ()
    return codec.encode([query.categories, query.priorities, query.statuses, query.departments, breached])
