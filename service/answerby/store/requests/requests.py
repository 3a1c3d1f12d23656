"""Requests: load the data of a decision, commit its changes, read stored data back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, DecisionNotFound, RequestNotFound
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.window import WindowQuery
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import Commit, Committed, Loaded, LoadQuery, StoredReply
from answerby.store.requests.commit import commit_call, read_reply
from answerby.store.scripts import Call
from answerby.store.tenants import Tenants


class Requests:
    """The requests of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, tenants: Tenants) -> None:
        self._connection = connection
        self._tenants = tenants

    async def load(
        self, tenant: str, request_id: str, source: str, event_id: str, windows: Sequence[WindowQuery] = ()
    ) -> Loaded:
        """State, an earlier reply to the same event, and window counts, in one round trip."""
        query = LoadQuery(tenant=tenant, request_id=request_id, source=source, event_id=event_id, windows=list(windows))
        loaded = (await self.load_many([query]))[0]
        if isinstance(loaded, AnswerbyError):
            raise loaded
        return loaded

    async def load_many(self, queries: Sequence[LoadQuery]) -> list[Loaded | AnswerbyError]:
        """`load` for many events in one round trip. A failed item is its error."""
        replies = await self._connection.call_many([_load_call(query) for query in queries])
        return [
            reply if isinstance(reply, AnswerbyError) else _loaded(query, reply)
            for query, reply in zip(queries, replies, strict=True)
        ]

    async def commit(self, commit: Commit) -> Committed:
        """Commits a decision completely or not at all, in one Lua call. A repeated commit is a duplicate and safe."""
        committed = (await self.commit_many([commit]))[0]
        if isinstance(committed, AnswerbyError):
            raise committed
        return committed

    async def commit_many(self, commits: Sequence[Commit]) -> list[Committed | AnswerbyError]:
        """`commit` for many decisions in one round trip. Each commit is atomic by itself.

        A failed item is its error.
        """
        await self._tenants.register({commit.tenant for commit in commits})
        calls = [commit_call(commit, self._connection.options) for commit in commits]
        replies = await self._connection.call_many(calls)
        return [reply if isinstance(reply, AnswerbyError) else read_reply(reply) for reply in replies]

    async def get(self, tenant: str, request_id: str) -> RequestState:
        """The request after its latest decision. Raises RequestNotFound."""
        state, number = await self._connection.execute("HMGET", tenant_keys(tenant).request(request_id), "s", "n")
        if state is None:
            raise RequestNotFound(f"tenant {tenant} has no request {request_id}")
        return codec.decode_state(state, number)

    async def decisions(self, tenant: str, request_id: str, limit: int = 20) -> list[Decision]:
        """The latest decisions on a request, newest first. Empty for an unknown request."""
        keys = tenant_keys(tenant)
        number, found = await self._connection.execute_many(
            [("HGET", keys.request(request_id), "n"), ("LRANGE", keys.decisions(request_id), -limit, -1)]
        )
        return [codec.decode_decision(raw, number) for raw in reversed(found)]

    async def decision(self, tenant: str, request_id: str, sequence: int) -> Decision:
        """One decision. Raises DecisionNotFound."""
        keys = tenant_keys(tenant)
        # Index -1 would be the newest decision, so sequence 0 must not reach the server.
        index = sequence - 1 if sequence > 0 else 2**31
        number, raw = await self._connection.execute_many(
            [("HGET", keys.request(request_id), "n"), ("LINDEX", keys.decisions(request_id), index)]
        )
        if raw is None:
            raise DecisionNotFound(f"request {request_id} of tenant {tenant} has no decision {sequence}")
        return codec.decode_decision(raw, number)

    async def events(self, tenant: str, request_id: str) -> list[Event]:
        """Every event of a request, in the order of the decisions. Empty for an unknown request."""
        found = await self._connection.execute("LRANGE", tenant_keys(tenant).events(request_id), 0, -1)
        return [codec.decode_event(raw) for raw in found]

    async def histories(self, requests: Sequence[tuple[str, str]]) -> list[list[Event]]:
        """`events` of many requests, by tenant and id, in one round trip."""
        commands = [("LRANGE", tenant_keys(tenant).events(name), 0, -1) for tenant, name in requests]
        found = await self._connection.execute_many(commands) if commands else []
        return [[codec.decode_event(raw) for raw in events] for events in found]


def _load_call(query: LoadQuery) -> Call:
    keys = tenant_keys(query.tenant)
    names = [
        keys.request(query.request_id),
        keys.idempotency(query.source, query.event_id),
        keys.decisions(query.request_id),
    ]
    arguments: list[str | bytes | int] = [query.request_id]
    for window in query.windows:
        names.append(keys.window(window.by, window.value, window.category))
        arguments += [codec.to_us(window.at - window.within), codec.to_us(window.at)]
    return Call("requests/load", names, arguments)


def _loaded(query: LoadQuery, reply: list[Any]) -> Loaded:
    state, number, record, decision = reply[:4]
    return Loaded(
        state=codec.decode_state(state, number) if state else None,
        duplicate=_stored_reply(record, decision, number) if record else None,
        counts={window.name: count for window, count in zip(query.windows, reply[4:], strict=True)},
    )


def _stored_reply(record: bytes, decision: bytes | None, number: bytes | None) -> StoredReply:
    kept = codec.decode_idempotency(record)
    return StoredReply(
        payload_hash=kept.payload_hash,
        request_id=kept.request_id,
        sequence=kept.sequence,
        decision=codec.decode_decision(decision, number) if decision else None,
    )
