"""The intake stream: shared by consumers, taken over from the dead, poison put aside."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.event import Event
from answerby.store.keys import tenant_keys
from answerby.store.records import CommitOutcome
from answerby.store.store import Store

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
NOW = timedelta(0)


def event(event_id: str) -> Event:
    return Event(tenant="acme", source="crm", id=event_id, type="request.received", time=T0, request_id=f"R-{event_id}")


@pytest.fixture
async def intake(store: Store) -> Store:
    await store.open_intake("acme")
    return store


async def test_events_come_once_in_order_and_are_acknowledged_by_their_commit(intake: Store, make_commit) -> None:
    await intake.open_intake("acme")
    ids = await intake.enqueue_events("acme", [event("a"), event("b")])
    entries = await intake.read_events("acme", "w1")
    assert [(e.id, e.event, e.deliveries) for e in entries] == [(ids[0], event("a"), 1), (ids[1], event("b"), 1)]
    assert await intake.read_events("acme", "w2") == []
    assert (await intake.intake_depth("acme"))[:2] == (0, 2)
    for entry in entries:
        await intake.commit(make_commit(entry.event.request_id, entry.event.id, stream_ack=entry.id))
    assert await intake.intake_depth("acme") == (0, 0, "")


async def test_a_conflict_does_not_acknowledge_but_a_duplicate_does(intake: Store, make_commit) -> None:
    (stream_id,) = await intake.enqueue_events("acme", [event("a")])
    await intake.read_events("acme", "w1")
    await intake.commit(make_commit("R-1", "e1"))
    conflict = await intake.commit(make_commit("R-1", "e2", stream_ack=stream_id))
    assert conflict.outcome is CommitOutcome.VERSION_CONFLICT
    assert (await intake.intake_depth("acme")).pending == 1
    again = await intake.commit(make_commit("R-1", "e1", stream_ack=stream_id))
    assert again.outcome is CommitOutcome.DUPLICATE
    assert (await intake.intake_depth("acme")).pending == 0


async def test_a_reused_id_is_not_acknowledged(intake: Store, make_commit) -> None:
    import msgspec

    (stream_id,) = await intake.enqueue_events("acme", [event("a")])
    await intake.read_events("acme", "w1")
    await intake.commit(make_commit())
    other = msgspec.structs.replace(make_commit(stream_ack=stream_id), payload_hash="another")
    assert (await intake.commit(other)).payload_hash == "hash-e1"
    assert (await intake.intake_depth("acme")).pending == 1


async def test_a_consumer_that_starts_again_gets_its_own_first(intake: Store) -> None:
    await intake.enqueue_events("acme", [event("a"), event("b")])
    await intake.read_events("acme", "w1", count=1)
    again = await intake.read_own_pending("acme", "w1")
    assert [(e.event.id, e.deliveries) for e in again] == [("a", 2)]
    assert await intake.read_own_pending("acme", "w2") == []


async def test_what_a_dead_consumer_held_is_taken_over(intake: Store) -> None:
    await intake.enqueue_events("acme", [event("a"), event("b"), event("c")])
    await intake.read_events("acme", "w1", count=2)
    fresh = await intake.claim_stale("acme", "w2", timedelta(hours=1))
    assert fresh.entries == []
    taken = await intake.claim_stale("acme", "w2", NOW)
    assert [(e.event.id, e.deliveries) for e in taken.entries] == [("a", 2), ("b", 2)]
    assert [e.event.id for e in await intake.read_own_pending("acme", "w2")] == ["a", "b"]


async def test_a_takeover_of_many_follows_the_cursor(intake: Store) -> None:
    await intake.enqueue_events("acme", [event(str(i)) for i in range(250)])
    await intake.read_events("acme", "w1", count=250)
    taken = await intake.claim_stale("acme", "w2", NOW, count=1000)
    assert [e.event.id for e in taken.entries] == [str(i) for i in range(250)]


async def test_pending_entries_that_were_deleted_are_reported(intake: Store) -> None:
    ids = await intake.enqueue_events("acme", [event("a"), event("b")])
    await intake.read_events("acme", "w1")
    await intake._connection.execute("XDEL", tenant_keys("acme").intake, ids[0])
    taken = await intake.claim_stale("acme", "w2", NOW)
    assert (taken.lost, [e.event.id for e in taken.entries]) == ([ids[0]], ["b"])


async def test_poison_becomes_a_dead_letter_after_its_last_delivery(intake: Store) -> None:
    (stream_id,) = await intake.enqueue_events("acme", [event("a")])
    await intake.read_events("acme", "w1")
    for _ in range(2):
        assert len((await intake.claim_stale("acme", "w2", NOW, max_deliveries=3)).entries) == 1
    last = await intake.claim_stale("acme", "w2", NOW, max_deliveries=3)
    assert (last.entries, last.poisoned) == ([], [stream_id])
    (dead,) = await intake.dead_intake("acme")
    assert (dead.stream_id, dead.deliveries) == (stream_id, 3)
    assert "3 times" in dead.reason
    assert (await intake.intake_depth("acme")).pending == 0


async def test_a_dead_letter_is_replayed_with_the_same_event(intake: Store) -> None:
    await intake.enqueue_events("acme", [event("a")])
    (entry,) = await intake.read_events("acme", "w1")
    assert await intake.dead_letter(entry, "id was used before") is True
    assert await intake.dead_letter(entry, "twice") is False
    (dead,) = await intake.dead_intake("acme")
    assert dead.reason == "id was used before"
    assert await intake.replay_dead_intake("acme", dead.id) is True
    assert await intake.replay_dead_intake("acme", dead.id) is False
    assert await intake.dead_intake("acme") == []
    assert [e.event for e in await intake.read_events("acme", "w2")] == [event("a")]


async def test_a_payload_that_is_no_event_is_given_with_its_error(intake: Store) -> None:
    await intake._connection.execute("XADD", tenant_keys("acme").intake, "*", "e", b"\xff\x00{")
    (entry,) = await intake.read_events("acme", "w1")
    assert entry.event is None
    assert entry.error.startswith("not an event")
    await intake.dead_letter(entry, entry.error)
    (dead,) = await intake.dead_intake("acme")
    assert dead.payload == b"\xff\x00{"
    assert await intake.discard_dead_intake("acme", dead.id) is True
    assert await intake.dead_intake("acme") == []


async def test_a_waiting_reader_is_woken(intake: Store) -> None:
    waiting = asyncio.create_task(intake.read_events("acme", "w1", block_ms=30_000))
    await asyncio.sleep(0)
    await intake.enqueue_events("acme", [event("a")])
    assert [e.event.id for e in await asyncio.wait_for(waiting, 10)] == ["a"]


async def test_trimming_keeps_what_is_pending_or_unread(intake: Store) -> None:
    ids = await intake.enqueue_events("acme", [event(str(i)) for i in range(10)])
    await intake.read_events("acme", "w1", count=6)
    await intake.acknowledge("acme", [*ids[:3], ids[4], ids[5]])
    assert await intake.trim_intake("acme") == 3
    assert [e.id for e in await intake.read_own_pending("acme", "w1")] == [ids[3]]
    assert [e.id for e in await intake.read_events("acme", "w2")] == ids[6:]


async def test_depth_counts_unread_and_pending(intake: Store) -> None:
    ids = await intake.enqueue_events("acme", [event(str(i)) for i in range(5)])
    assert await intake.intake_depth("acme") == (5, 0, ids[0])
    await intake.read_events("acme", "w1", count=2)
    assert await intake.intake_depth("acme") == (3, 2, ids[0])
    await intake.acknowledge("acme", ids[:2])
    await intake.acknowledge("acme", [])
    assert await intake.intake_depth("acme") == (3, 0, ids[2])


async def test_a_stream_that_is_not_there_is_empty_and_comes_back(store: Store) -> None:
    assert await store.intake_depth("acme") == (0, 0, "")
    assert await store.trim_intake("acme") == 0
    assert await store.read_events("acme", "w1") == []
    await store.enqueue_events("acme", [event("a")])
    assert [e.event.id for e in await store.read_events("acme", "w1")] == ["a"]
