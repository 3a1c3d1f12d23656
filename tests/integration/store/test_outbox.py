"""The outbox: first in first out per target, one in flight, fenced, superseded, never silently lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec

from answerby.store.connector_life import Became
from answerby.store.records import Completion, Lease
from answerby.store.store import Store
from tests.kit.patience import eventually

LONG = timedelta(minutes=5)
BRIEF = timedelta(milliseconds=30)
AT_ONCE = timedelta()
FAR = timedelta(days=30_000)
OUT = "crm-out"


async def put(store: Store, make_commit, *entries, request_id: str = "R-1", expected: int = 0) -> None:
    """One decision on a request with these outbox entries."""
    event_id = f"{request_id}-{expected}"
    await store.requests.commit(make_commit(request_id, event_id, expected=expected, outbox=list(entries)))


async def lease(store: Store, length: timedelta = LONG, limit: int = 10) -> list[Lease]:
    return await store.outbox.lease("acme", OUT, length, limit)


async def lease_again(store: Store) -> Lease:
    """Lease until something comes: a lease of another worker has to end first."""
    return (await eventually(lambda: lease(store)))[0]


async def test_an_entry_is_leased_with_its_number_and_gone_when_done(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (leased,) = await lease(store)
    assert leased.entry == msgspec.structs.replace(make_entry("x1"), number="202310-CSR-001")
    assert leased.previous_unknown is False
    assert await lease(store) == []
    assert await store.outbox.complete(leased, Completion.done()) is not Became.LOST
    assert await store.outbox.next_attempt("acme", OUT) is None
    assert [(d.connector, d.waiting, d.oldest) for d in await store.outbox.depths("acme")] == [(OUT, 0, None)]


async def test_one_target_has_one_in_flight_and_keeps_its_order(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("b"), make_entry("a"))
    await put(store, make_commit, make_entry("c", "R-2"), request_id="R-2")
    await put(store, make_commit, make_entry("A"), expected=1)
    leased = await lease(store)
    assert [one.entry.effect_id for one in leased] == ["b", "c"] or {one.entry.effect_id for one in leased} == {
        "b",
        "c",
    }
    assert await lease(store) == []
    seen = ["b"]
    first = next(one for one in leased if one.entry.effect_id == "b")
    await store.outbox.complete(first, Completion.done())
    while following := await lease(store):
        seen += [one.entry.effect_id for one in following]
        for one in following:
            await store.outbox.complete(one, Completion.done())
    assert seen == ["b", "a", "A"]


async def test_two_workers_never_hold_the_same_target(store: Store, redis_url: str, make_commit, make_entry) -> None:
    for r in range(10):
        await put(store, make_commit, *(make_entry(f"{r}-{i}", f"R-{r}") for i in range(4)), request_id=f"R-{r}")
    other = await Store.connect(redis_url)
    in_flight: set[str] = set()
    delivered: list[str] = []

    async def work(own: Store) -> None:
        while leases := await lease(own, limit=3):
            for one in leases:
                assert one.entry.request_id not in in_flight
                in_flight.add(one.entry.request_id)
            await asyncio.sleep(0)
            for one in leases:
                delivered.append(one.entry.effect_id)
                in_flight.remove(one.entry.request_id)
                assert await own.outbox.complete(one, Completion.done()) is not Became.LOST

    while (await store.outbox.depths("acme"))[0].waiting:
        await asyncio.gather(work(store), work(other))
    await other.close()
    assert sorted(delivered) == sorted(f"{r}-{i}" for r in range(10) for i in range(4))
    for r in range(10):
        assert [x for x in delivered if x.startswith(f"{r}-")] == [f"{r}-{i}" for i in range(4)]


async def test_after_a_takeover_the_old_token_is_refused(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (lost,) = await lease(store, BRIEF)
    taken = await lease_again(store)
    assert taken.previous_unknown is True
    assert taken.entry.attempts == 1
    for completion in (Completion.done(), Completion.dead("no"), Completion.retry(FAR)):
        assert await store.outbox.complete(lost, completion) is Became.LOST
    assert await store.outbox.renew(lost, LONG) is False
    assert (await store.outbox.depths("acme"))[0].waiting == 1
    assert await store.outbox.complete(taken, Completion.done()) is not Became.LOST
    assert await store.outbox.complete(taken, Completion.done()) is Became.LOST


async def test_a_renewed_lease_holds(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (held,) = await lease(store, timedelta(milliseconds=1))
    if not await store.outbox.renew(held, LONG):
        raise AssertionError
    assert await lease(store) == []
    assert await store.outbox.complete(held, Completion.done()) is not Became.LOST


async def test_a_retry_waits_for_its_time_and_counts(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (leased,) = await lease(store)
    await store.outbox.complete(leased, Completion.retry(FAR))
    assert await lease(store) == []
    assert abs(await store.outbox.next_attempt("acme", OUT) - (datetime.now(UTC) + FAR)) < timedelta(hours=1)


async def test_the_unknown_mark_stays_until_a_definite_outcome(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (first,) = await lease(store)
    await store.outbox.complete(first, Completion.retry(AT_ONCE, unknown=True))
    (second,) = await lease(store)
    assert (second.previous_unknown, second.entry.attempts) == (True, 1)
    await store.outbox.complete(second, Completion.retry(AT_ONCE))
    (third,) = await lease(store)
    assert (third.previous_unknown, third.entry.attempts) == (False, 2)


async def test_a_newer_entry_replaces_an_unsent_older_one(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("old", supersedes="update"), make_entry("note"))
    await put(store, make_commit, make_entry("new", supersedes="update"), expected=1)
    assert (await store.outbox.depths("acme"))[0].waiting == 2
    (first,) = await lease(store)
    await store.outbox.complete(first, Completion.done())
    (second,) = await lease(store)
    assert [first.entry.effect_id, second.entry.effect_id] == ["note", "new"]


async def test_only_the_same_mark_request_and_connector_are_replaced(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("a", supersedes="update"), make_entry("b", supersedes="owner"))
    await put(store, make_commit, make_entry("c", "R-2", supersedes="update"), request_id="R-2")
    other = make_entry("d", supersedes="update", connector="hook")
    await put(store, make_commit, other, expected=1)
    assert {d.connector: d.waiting for d in await store.outbox.depths("acme")} == {OUT: 3, "hook": 1}


async def test_what_is_in_flight_or_perhaps_sent_is_not_replaced(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("old", supersedes="update"))
    (flying,) = await lease(store)
    await put(store, make_commit, make_entry("new", supersedes="update"), expected=1)
    await store.outbox.complete(flying, Completion.retry(AT_ONCE, unknown=True))
    (again,) = await lease(store)
    assert again.entry.effect_id == "old"
    # Now it is certain that the platform did not take it, and a newer one waits.
    await store.outbox.complete(again, Completion.retry(AT_ONCE))
    (following,) = await lease(store)
    assert following.entry.effect_id == "new"
    assert (await store.outbox.depths("acme"))[0].waiting == 1


async def test_the_same_effect_id_is_queued_once(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    await put(store, make_commit, make_entry("x1"), expected=1)
    assert (await store.outbox.depths("acme"))[0].waiting == 1


async def test_a_dead_entry_is_listed_and_can_be_replayed(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"), make_entry("x2"))
    (leased,) = await lease(store)
    assert await store.outbox.complete(leased, Completion.dead("404: ticket is gone")) is not Became.LOST
    (dead,) = await store.outbox.dead("acme")
    assert (dead.entry.effect_id, dead.entry.number, dead.entry.attempts) == ("x1", "202310-CSR-001", 1)
    assert dead.reason == "404: ticket is gone"
    assert await store.outbox.dead("acme", after=dead.id) == []
    # The target goes on with its next entry; the replayed one comes behind it.
    assert await store.outbox.replay_dead("acme", dead.id) is True
    assert await store.outbox.replay_dead("acme", dead.id) is False
    assert await store.outbox.dead("acme") == []
    order = []
    for _ in range(2):
        (one,) = await lease(store)
        order.append((one.entry.effect_id, one.previous_unknown))
        await store.outbox.complete(one, Completion.done())
    assert order == [("x2", False), ("x1", True)]


async def test_a_dead_entry_can_be_discarded(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (leased,) = await lease(store)
    await store.outbox.complete(leased, Completion.dead("refused"))
    (dead,) = await store.outbox.dead("acme")
    assert await store.outbox.discard_dead("acme", dead.id) is True
    assert await store.outbox.discard_dead("acme", dead.id) is False
    assert await store.outbox.dead("acme") == []


async def test_depth_counts_what_waits_and_what_flies(store: Store, make_commit, make_entry) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    await put(store, make_commit, make_entry("x1"), make_entry("x2"), make_entry("y", connector="hook"))
    await lease(store)
    depths = {d.connector: d for d in await store.outbox.depths("acme")}
    assert {name: d.waiting for name, d in depths.items()} == {OUT: 2, "hook": 1}
    assert before < depths[OUT].oldest < datetime.now(UTC) + timedelta(seconds=5)


async def test_a_new_entry_does_not_jump_a_retry(store: Store, make_commit, make_entry) -> None:
    await put(store, make_commit, make_entry("x1"))
    (leased,) = await lease(store)
    await store.outbox.complete(leased, Completion.retry(FAR))
    await put(store, make_commit, make_entry("x2"), expected=1)
    assert await lease(store) == []
    assert abs(await store.outbox.next_attempt("acme", OUT) - (datetime.now(UTC) + FAR)) < timedelta(hours=1)
