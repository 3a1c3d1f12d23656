"""Requests: load the data of a decision, commit its changes, read stored data back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, DecisionNotFound, RecordUnreadable, RequestNotFound
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.domain.window import WindowQuery
from answerby.store import codec
from answerby.store.connection import Connection
from answerby.store.keys import tenant_keys
from answerby.store.records import Commit, CommitOutcome, Committed, Loaded, LoadQuery, StoredReply
from answerby.store.requests.commit import commit_call, read_reply
from answerby.store.safety.marks import Given, Newest
from answerby.store.scripts import Call
from answerby.store.tenants import Tenants
from answerby.store.unreadable import Place, RecordKind, Undecodable, Unreadables, decoded

T = TypeVar("T")


class Snapshot(NamedTuple):
    """A request and its latest decisions, newest first."""

    state: RequestState
    decisions: list[Decision]


class History(NamedTuple):
    """A request with all its events and decisions, oldest first: one decision for each event."""

    state: RequestState
    events: list[Event]
    decisions: list[Decision]


class Requests:
    """The requests of every tenant. All methods raise StoreUnavailable when the server does not answer."""

    def __init__(self, connection: Connection, tenants: Tenants, unreadable: Unreadables) -> None:
        self._connection = connection
        self._tenants = tenants
        self._unreadable = unreadable

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
        """`load` for many events in one round trip. A failed item is its error, such as RecordUnreadable."""
        replies = await self._connection.call_many([_load_call(query) for query in queries])
        loaded = [await self._loaded(query, reply) for query, reply in zip(queries, replies, strict=True)]
        if any(isinstance(item, Loaded) and item.duplicate is not None for item in loaded):
            # The caller hears that the event was accepted. Whoever committed it may not have heard so yet.
            await self._connection.settle()
        return loaded

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
        results = [reply if isinstance(reply, AnswerbyError) else read_reply(reply) for reply in replies]
        await self._connection.tell(
            Given(commit.tenant, result.number, Newest(result.log_sequence, result.log_entry))
            for commit, result in zip(commits, results, strict=True)
            if isinstance(result, Committed) and result.outcome is CommitOutcome.COMMITTED
        )
        return results

    async def get(self, tenant: str, request_id: str) -> RequestState:
        """The request after its latest decision. Raises RequestNotFound and RecordUnreadable."""
        key = tenant_keys(tenant).request(request_id)
        state, number = await self._connection.execute("HMGET", key, "s", "n")
        if state is None:
            raise _not_found(tenant, request_id)
        return await self._understood(read_state, tenant, request_id, state, number)

    async def snapshot(self, tenant: str, request_id: str, limit: int) -> Snapshot:
        """The request, and its latest `limit` decisions, of one moment. Raises RequestNotFound and RecordUnreadable."""
        keys = tenant_keys(tenant)
        (state, number), found = await self._connection.execute_together(
            [
                ("HMGET", keys.request(request_id), "s", "n"),
                ("LRANGE", keys.decisions(request_id), -limit, -1),
            ]
        )
        if state is None:
            raise _not_found(tenant, request_id)
        request = await self._understood(read_state, tenant, request_id, state, number)
        first = request.decisions - len(found) + 1
        decisions = await self._understood(read_decisions, tenant, request_id, found, number, first)
        return Snapshot(request, decisions[::-1])

    async def history(self, tenant: str, request_id: str) -> History:
        """The request with all events and decisions, of one moment. Raises RequestNotFound and RecordUnreadable."""
        keys = tenant_keys(tenant)
        (state, number), events, decisions = await self._connection.execute_together(
            [
                ("HMGET", keys.request(request_id), "s", "n"),
                ("LRANGE", keys.events(request_id), 0, -1),
                ("LRANGE", keys.decisions(request_id), 0, -1),
            ]
        )
        if state is None:
            raise _not_found(tenant, request_id)
        return History(
            await self._understood(read_state, tenant, request_id, state, number),
            await self._understood(read_events, tenant, request_id, events),
            await self._understood(read_decisions, tenant, request_id, decisions, number, 1),
        )

    async def decisions(self, tenant: str, request_id: str, limit: int = 20) -> list[Decision]:
        """The latest decisions on a request, newest first. Empty for an unknown request. Raises RecordUnreadable."""
        keys = tenant_keys(tenant)
        number, count, found = await self._connection.execute_together(
            [
                ("HGET", keys.request(request_id), "n"),
                ("LLEN", keys.decisions(request_id)),
                ("LRANGE", keys.decisions(request_id), -limit, -1),
            ]
        )
        first = count - len(found) + 1
        decisions = await self._understood(read_decisions, tenant, request_id, found, number, first)
        return decisions[::-1]

    async def recent_decisions(
        self, tenant: str, request_ids: Sequence[str], limit: int
    ) -> list[list[Decision] | AnswerbyError]:
        """The latest decisions on each request, newest first and without numbers, in one round trip.

        A request with a decision that cannot be read is its RecordUnreadable.
        """
        keys = tenant_keys(tenant)
        commands: list[tuple[str | int, ...]] = []
        for request_id in request_ids:
            name = keys.decisions(request_id)
            commands += [("LLEN", name), ("LRANGE", name, -limit, -1)]
        replies = await self._connection.execute_each(commands) if commands else []
        return [
            await self._recent(tenant, request_id, count, found)
            for request_id, count, found in zip(request_ids, replies[::2], replies[1::2], strict=True)
        ]

    async def _recent(
        self, tenant: str, request_id: str, count: int | AnswerbyError, found: list[bytes] | AnswerbyError
    ) -> list[Decision] | AnswerbyError:
        if isinstance(count, AnswerbyError):
            return count
        if isinstance(found, AnswerbyError):
            return found
        first = count - len(found) + 1
        try:
            return (await self._understood(read_decisions, tenant, request_id, found, None, first))[::-1]
        except RecordUnreadable as error:
            return error

    async def decision(self, tenant: str, request_id: str, sequence: int) -> Decision:
        """One decision. Raises DecisionNotFound and RecordUnreadable."""
        keys = tenant_keys(tenant)
        # Index -1 would be the newest decision, so sequence 0 must not reach the server.
        index = sequence - 1 if sequence > 0 else 2**31
        number, raw = await self._connection.execute_together(
            [("HGET", keys.request(request_id), "n"), ("LINDEX", keys.decisions(request_id), index)]
        )
        if raw is None:
            raise DecisionNotFound(f"request {request_id} of tenant {tenant} has no decision {sequence}")
        return (await self._understood(read_decisions, tenant, request_id, [raw], number, sequence))[0]

    async def latest_decision(self, tenant: str, request_id: str) -> Decision:
        """The latest decision. Raises RequestNotFound and RecordUnreadable."""
        decisions = await self.decisions(tenant, request_id, limit=1)
        if not decisions:
            raise _not_found(tenant, request_id)
        return decisions[0]

    async def events(self, tenant: str, request_id: str) -> list[Event]:
        """Every event of a request, in the order of the decisions. Empty for an unknown request.

        Raises RecordUnreadable.
        """
        found = await self._connection.execute("LRANGE", tenant_keys(tenant).events(request_id), 0, -1)
        return await self._understood(read_events, tenant, request_id, found)

    async def histories(self, requests: Sequence[tuple[str, str]]) -> list[list[Event] | AnswerbyError]:
        """`events` of many requests, by tenant and id, in one round trip. A failed item is its error."""
        commands = [("LRANGE", tenant_keys(tenant).events(name), 0, -1) for tenant, name in requests]
        found = await self._connection.execute_each(commands) if commands else []
        result: list[list[Event] | AnswerbyError] = []
        for (tenant, name), events in zip(requests, found, strict=True):
            if isinstance(events, AnswerbyError):
                result.append(events)
                continue
            try:
                result.append(await self._understood(read_events, tenant, name, events))
            except RecordUnreadable as error:
                result.append(error)
        return result

    async def _loaded(self, query: LoadQuery, reply: list[Any] | AnswerbyError) -> Loaded | AnswerbyError:
        if isinstance(reply, AnswerbyError):
            return reply
        try:
            return _loaded(query, reply)
        except Undecodable as error:
            return await self._unreadable.note(error)

    async def _understood(self, read: Callable[..., T], *arguments: object) -> T:
        """What is read. Raises RecordUnreadable."""
        try:
            return read(*arguments)
        except Undecodable as error:
            raise await self._unreadable.note(error) from error


def read_state(tenant: str, request_id: str, state: bytes, number: bytes | None) -> RequestState:
    """The state of a request. Raises Undecodable."""
    place = Place(RecordKind.STATE, tenant, tenant_keys(tenant).request(request_id), "s")
    return decoded(place, state, codec.decode_state_of, number, tenant, request_id)


def read_decisions(
    tenant: str, request_id: str, found: Sequence[bytes], number: bytes | None, first: int
) -> list[Decision]:
    """Decisions of a request, in their order. `first` is the sequence of the first. Raises Undecodable."""
    key = tenant_keys(tenant).decisions(request_id)
    return [
        decoded(Place(RecordKind.DECISION, tenant, key, str(sequence)), raw, codec.decode_decision, number)
        for sequence, raw in enumerate(found, first)
    ]


def read_events(tenant: str, request_id: str, found: Sequence[bytes]) -> list[Event]:
    """Events of a request, in their order. Raises Undecodable."""
    key = tenant_keys(tenant).events(request_id)
    return [
        decoded(Place(RecordKind.EVENT, tenant, key, str(sequence)), raw, codec.decode_event)
        for sequence, raw in enumerate(found, 1)
    ]


def _not_found(tenant: str, request_id: str) -> RequestNotFound:
    return RequestNotFound(f"tenant {tenant} has no request {request_id}")


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
    """Raises Undecodable."""
    state, number, record, decision = reply[:4]
    return Loaded(
        state=read_state(query.tenant, query.request_id, state, number) if state else None,
        duplicate=_stored_reply(query, record, decision, number) if record else None,
        counts={window.name: count for window, count in zip(query.windows, reply[4:], strict=True)},
    )


def _stored_reply(query: LoadQuery, record: bytes, decision: bytes | None, number: bytes | None) -> StoredReply:
    """Raises Undecodable."""
    key = tenant_keys(query.tenant).idempotency(query.source, query.event_id)
    kept = decoded(Place(RecordKind.IDEMPOTENCY, query.tenant, key), record, codec.decode_idempotency)
    found = [decision] if decision else []
    decisions = read_decisions(query.tenant, query.request_id, found, number, kept.sequence)
    return StoredReply(
        payload_hash=kept.payload_hash,
        request_id=kept.request_id,
        sequence=kept.sequence,
        decision=decisions[0] if decisions else None,
    )
