"""The intake stream: shared by consumers, taken over from the dead, poison put aside."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from answerby.domain.event import Event
from answerby.store.codec import decode_place
from answerby.store.keys import tenant_keys
from answerby.store.records import CommitOutcome, StaleClaim
from answerby.store.store import Store
from tests.kit.patience import in_time

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
NOW = timedelta(0)


def event(event_id: str) -> Event:
    return Event(tenant="acme", source="crm", id=event_id, type="request.received", time=T0, request_id=f"R-{event_id}")


@pytest.fixture(autouse=True)
async def _open(store: Store) -> None:
    await store.intake.open("acme")


async def test_events_come_once_in_order_and_are_acknowledged_by_their_commit(store: Store, make_commit) -> None:
    await store.intake.open("acme")
    ids = await store.intake.enqueue("acme", [event("a"), event("b")])
    entries = await store.intake.read("acme", "w1")
    assert [(e.id, e.event, e.deliveries) for e in entries] == [(ids[0], event("a"), 1), (ids[1], event("b"), 1)]
    assert await store.intake.read("acme", "w2") == []
    assert (await store.intake.depth("acme"))[:2] == (0, 2)
    for entry in entries:
        await store.requests.commit(make_commit(entry.event.request_id, entry.event.id, stream_ack=entry.id))
    assert await store.intake.depth("acme") == (0, 0, None)


async def test_a_conflict_does_not_acknowledge_but_a_duplicate_does(store: Store, make_commit) -> None:
    (stream_id,) = await store.intake.enqueue("acme", [event("a")])
    await store.intake.read("acme", "w1")
    await store.requests.commit(make_commit("R-1", "e1"))
    conflict = await store.requests.commit(make_commit("R-1", "e2", stream_ack=stream_id))
    assert conflict.outcome is CommitOutcome.VERSION_CONFLICT
    assert (await store.intake.depth("acme")).pending == 1
    again = await store.requests.commit(make_commit("R-1", "e1", stream_ack=stream_id))
    assert again.outcome is CommitOutcome.DUPLICATE
    assert (await store.intake.depth("acme")).pending == 0


async def test_a_reused_id_is_not_acknowledged(store: Store, make_commit) -> None:
    import msgspec

    (stream_id,) = await store.intake.enqueue("acme", [event("a")])
    await store.intake.read("acme", "w1")
    await store.requests.commit(make_commit())
    other = msgspec.structs.replace(make_commit(stream_ack=stream_id), payload_hash="another")
    assert (await store.requests.commit(other)).payload_hash == "hash-e1"
    assert (await store.intake.depth("acme")).pending == 1


async def test_a_consumer_that_starts_again_gets_its_own_first(store: Store) -> None:
    await store.intake.enqueue("acme", [event("a"), event("b")])
    await store.intake.read("acme", "w1", count=1)
    again = await store.intake.read_own("acme", "w1")
    assert [(e.event.id, e.deliveries) for e in again] == [("a", 2)]
    assert await store.intake.read_own("acme", "w2") == []


async def test_what_a_dead_consumer_held_is_taken_over(store: Store) -> None:
    await store.intake.enqueue("acme", [event("a"), event("b"), event("c")])
    await store.intake.read("acme", "w1", count=2)
    fresh = await store.intake.claim_stale("acme", "w2", timedelta(hours=1))
    assert fresh.entries == []
    taken = await store.intake.claim_stale("acme", "w2", NOW)
    assert [(e.event.id, e.deliveries) for e in taken.entries] == [("a", 2), ("b", 2)]
    assert [e.event.id for e in await store.intake.read_own("acme", "w2")] == ["a", "b"]


async def test_a_takeover_of_many_follows_the_cursor(store: Store) -> None:
    await store.intake.enqueue("acme", [event(str(i)) for i in range(250)])
    await store.intake.read("acme", "w1", count=250)
    taken = await store.intake.claim_stale("acme", "w2", NOW, count=1000)
    assert [e.event.id for e in taken.entries] == [str(i) for i in range(250)]


async def test_pending_entries_that_were_deleted_are_reported(store: Store, raw: Redis) -> None:
    ids = await store.intake.enqueue("acme", [event("a"), event("b")])
    await store.intake.read("acme", "w1")
    raw.execute_command("XDEL", tenant_keys("acme").intake, ids[0])
    taken = await store.intake.claim_stale("acme", "w2", NOW)
    assert (taken.lost, [e.event.id for e in taken.entries]) == ([ids[0]], ["b"])


async def test_poison_becomes_a_dead_letter_after_its_last_delivery(store: Store) -> None:
    (stream_id,) = await store.intake.enqueue("acme", [event("a")])
    await store.intake.read("acme", "w1")
    for _ in range(2):
        assert len((await store.intake.claim_stale("acme", "w2", NOW, max_deliveries=3)).entries) == 1
    last = await store.intake.claim_stale("acme", "w2", NOW, max_deliveries=3)
    assert (last.entries, last.poisoned) == ([], [stream_id])
    (dead,) = await store.intake.dead("acme")
    assert (dead.stream_id, dead.deliveries) == (stream_id, 3)
    assert "3 times" in dead.reason
    assert (await store.intake.depth("acme")).pending == 0


async def test_a_dead_letter_is_replayed_with_the_same_event(store: Store) -> None:
    await store.intake.enqueue("acme", [event("a")])
    (entry,) = await store.intake.read("acme", "w1")
    assert await store.intake.give_up(entry, "id was used before") is True
    assert await store.intake.give_up(entry, "twice") is False
    (dead,) = await store.intake.dead("acme")
    assert dead.reason == "id was used before"
    assert await store.intake.replay_dead("acme", dead.id) is True
    assert await store.intake.replay_dead("acme", dead.id) is False
    assert await store.intake.dead("acme") == []
    assert [e.event for e in await store.intake.read("acme", "w2")] == [event("a")]


async def test_a_payload_that_is_no_event_is_given_with_its_error(store: Store, raw: Redis) -> None:
    raw.execute_command("XADD", tenant_keys("acme").intake, "*", "e", b"\xff\x00{")
    (entry,) = await store.intake.read("acme", "w1")
    assert entry.event is None
    assert entry.error.startswith("not an event")
    await store.intake.give_up(entry, entry.error)
    (dead,) = await store.intake.dead("acme")
    assert dead.payload == b"\xff\x00{"
    assert await store.intake.discard_dead("acme", dead.id) is True
    assert await store.intake.dead("acme") == []


async def test_what_is_held_changes_hands_without_another_delivery(store: Store) -> None:
    ids = await store.intake.enqueue("acme", [event("a"), event("b")])
    await store.intake.read("acme", "w1")
    await store.intake.hold("acme", "w2", ids[:1])
    await store.intake.hold("acme", "w2", [])
    assert [(e.id, e.deliveries) for e in await store.intake.read_own("acme", "w2")] == [(ids[0], 2)]
    assert [e.id for e in await store.intake.read_own("acme", "w1")] == [ids[1]]


async def test_a_waiting_reader_is_woken(store: Store) -> None:
    waiting = asyncio.create_task(store.intake.read("acme", "w1", block_ms=30_000))
    await asyncio.sleep(0)
    await store.intake.enqueue("acme", [event("a")])
    assert [e.event.id for e in await in_time(waiting)] == ["a"]


async def test_trimming_keeps_what_is_pending_or_unread(store: Store) -> None:
    ids = await store.intake.enqueue("acme", [event(str(i)) for i in range(10)])
    await store.intake.read("acme", "w1", count=6)
    await store.intake.acknowledge("acme", [*ids[:3], ids[4], ids[5]])
    assert await store.intake.trim("acme") == 3
    assert [e.id for e in await store.intake.read_own("acme", "w1")] == [ids[3]]
    assert [e.id for e in await store.intake.read("acme", "w2")] == ids[6:]


async def test_depth_counts_unread_and_pending(store: Store) -> None:
    ids = await store.intake.enqueue("acme", [event(str(i)) for i in range(5)])
    assert await store.intake.depth("acme") == (5, 0, decode_place(ids[0]))
    await store.intake.read("acme", "w1", count=2)
    assert await store.intake.depth("acme") == (3, 2, decode_place(ids[0]))
    await store.intake.acknowledge("acme", ids[:2])
    await store.intake.acknowledge("acme", [])
    assert await store.intake.depth("acme") == (3, 0, decode_place(ids[2]))


async def test_a_stream_that_is_not_there_is_empty_and_comes_back(store: Store, raw: Redis) -> None:
    """As when a store is emptied, or replaced by an older copy, while a consumer runs."""
    calls = (
        lambda: store.intake.depth("acme"),
        lambda: store.intake.trim("acme"),
        lambda: store.intake.read("acme", "w1"),
        lambda: store.intake.read_own("acme", "w1"),
        lambda: store.intake.claim_stale("acme", "w1", NOW),
        lambda: store.intake.hold("acme", "w1", ["1-1"]),
        lambda: store.intake.acknowledge("acme", ["1-1"]),
    )
    answers = []
    for call in calls:
        raw.flushdb()
        answers.append(await call())
    assert answers == [(0, 0, None), 0, [], [], StaleClaim(), None, None]
    await store.intake.enqueue("acme", [event("a")])
    assert await store.intake.read("acme", "w1") == []
    assert [e.event.id for e in await store.intake.read("acme", "w1")] == ["a"]
