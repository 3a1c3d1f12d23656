"""The commit on a real server: atomic, guarded by version, idempotent."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from service.domain.decision import Decision
from service.domain.event import Event
from service.domain.request import RequestState
from service.store.records import Commit, CommitOutcome
from service.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)


def make_commit(
    request_id: str = "R-1", event_id: str = "e1", expected: int = 0, prefix: str = "202310-CSR", **fields
) -> Commit:
    event = Event(
        tenant="acme",
        source="crm",
        id=event_id,
        type="request.received",
        time=T0,
        request_id=request_id,
        data={"text.body": "起火"},
    )
    state = RequestState(
        tenant="acme",
        request_id=request_id,
        source="crm",
        version=expected + 1,
        created=T0,
        last_event=T0,
        given=dict(event.data),
        derived={"category": "complaint", "priority": "P0"},
        decisions=expected + 1,
    )
    decision = Decision(
        tenant="acme",
        request_id=request_id,
        event_source="crm",
        event_id=event_id,
        event_type=event.type,
        event_time=T0,
        decided=T0,
        sequence=expected + 1,
        revision="r1",
        number_prefix=prefix if expected == 0 else "",
        facts={"priority": "P0"},
        state=state,
    )
    return Commit(
        tenant="acme",
        event=event,
        payload_hash=f"hash-{event_id}",
        decision=decision,
        expected_version=expected,
        **fields,
    )


async def test_a_committed_request_is_read_back_whole_with_its_number(store: Store) -> None:
    commit = make_commit()
    committed = await store.commit(commit)
    assert committed.outcome is CommitOutcome.COMMITTED
    assert committed.number == "202310-CSR-001"
    expected = msgspec.structs.replace(commit.decision.state, number="202310-CSR-001")
    assert await store.get_request("acme", "R-1") == expected
    assert await store.events("acme", "R-1") == [commit.event]
    logged = msgspec.structs.replace(commit.decision, state=None, number="202310-CSR-001")
    assert await store.decisions("acme", "R-1") == [logged]
    assert await store.decision("acme", "R-1", 1) == logged


async def test_load_gives_state_and_the_reply_to_the_same_event(store: Store) -> None:
    empty = await store.load("acme", "R-1", "crm", "e1")
    assert (empty.state, empty.duplicate, empty.version) == (None, None, 0)
    await store.commit(make_commit())
    loaded = await store.load("acme", "R-1", "crm", "e1")
    assert loaded.version == 1
    assert loaded.state.number == "202310-CSR-001"
    assert loaded.duplicate.payload_hash == "hash-e1"
    assert loaded.duplicate.decision.number == "202310-CSR-001"
    assert (await store.load("acme", "R-1", "crm", "e2")).duplicate is None


async def test_an_id_used_for_another_request_names_that_request(store: Store) -> None:
    await store.commit(make_commit("R-1"))
    duplicate = (await store.load("acme", "R-2", "crm", "e1")).duplicate
    assert (duplicate.request_id, duplicate.decision) == ("R-1", None)
