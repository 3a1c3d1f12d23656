"""Polls on a real server: one worker at a time, and a page is stored with its cursor or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis

from answerby.domain.event import Event
from answerby.store.connector_life import Standing
from answerby.store.keys import tenant_keys
from answerby.store.polls import PollTaken, PollTurn
from answerby.store.store import Store
from tests.kit.patience import eventually

T0 = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
LEASE, SHORT, BACK = timedelta(seconds=60), timedelta(milliseconds=1), timedelta(minutes=15)


def event(number: int) -> Event:
    return Event(tenant="acme", source="p", id=f"e{number}", type="request.received", time=T0, request_id=f"R{number}")


async def claim(store: Store, token: int = 0, lease: timedelta = LEASE) -> PollTurn | PollTaken:
    return await store.polls.claim("acme", "p", token, lease, BACK, "m")


async def turn_of(store: Store, token: int = 0, lease: timedelta = LEASE) -> PollTurn:
    async def turn() -> PollTurn | None:
        found = await claim(store, token, lease)
        return found if isinstance(found, PollTurn) else None

    return await eventually(turn)


async def waiting(store: Store) -> list[str]:
    await store.intake.open("acme")
    return [entry.event.id for entry in await store.intake.read("acme", "w", 100)]


async def test_a_new_connector_begins_a_while_before_its_first_claim(store: Store) -> None:
    before = await store.time()
    turn = await turn_of(store)
    after = await store.time()
    assert before - BACK - timedelta(milliseconds=1) <= turn.since <= after - BACK
    assert (turn.cursor, turn.page) == ("", 0)
    assert (await turn_of(store, turn.token)).since == turn.since


async def test_one_worker_polls_until_its_lease_ends(store: Store) -> None:
    first = await turn_of(store)
    taken = await claim(store)
    assert isinstance(taken, PollTaken)
    assert timedelta() < taken.left <= LEASE
    assert (await turn_of(store, first.token, SHORT)).token == first.token
    second = await turn_of(store)
    assert second.token != first.token
    assert isinstance(await claim(store, first.token), PollTaken)


async def test_a_holder_that_gives_back_is_followed_at_once(store: Store) -> None:
    first = await turn_of(store)
    await store.polls.release("acme", "p", first.token)
    second = await claim(store)
    assert isinstance(second, PollTurn)
    await store.polls.release("acme", "p", first.token)
    assert isinstance(await claim(store), PollTaken)


async def test_a_page_is_stored_once_with_its_cursor(store: Store) -> None:
    turn = await turn_of(store)
    for _ in range(2):  # the second is a call that the client library sends again after a lost answer
        assert await store.polls.store(turn, "c1", [event(1), event(2)], LEASE, complete=False)
    after = await turn_of(store, turn.token)
    assert (after.cursor, after.page, after.complete) == ("c1", 1, turn.complete)
    assert await store.polls.store(after, "c2", [event(3)], LEASE, complete=True)
    assert (await turn_of(store, turn.token)).complete > turn.complete
    assert await waiting(store) == ["e1", "e2", "e3"]


async def test_a_worker_whose_lease_was_taken_over_stores_nothing(store: Store) -> None:
    frozen = await turn_of(store, lease=SHORT)
    other = await turn_of(store)
    assert not await store.polls.store(frozen, "old", [event(1)], LEASE, complete=True)
    assert await store.polls.store(other, "new", [event(2)], LEASE, complete=True)
    assert (await turn_of(store, other.token)).cursor == "new"
    assert await waiting(store) == ["e2"]


async def test_a_wait_of_the_platform_is_known_to_polls_and_deliveries_of_all_workers(store: Store) -> None:
    assert (await turn_of(store)).rest == timedelta()
    await store.polls.rest("acme", "p", timedelta(seconds=50))
    await store.polls.rest("acme", "p", timedelta(seconds=5))
    offer = await store.outbox.offer("acme", "p", LEASE, 1)
    assert offer.standing is Standing.RESTING
    life = await store.connectors.get("acme", "p")
    assert life.rests_until is not None
    assert timedelta(seconds=40) < life.rests_until - await store.time() <= timedelta(seconds=50)


async def test_each_connector_and_tenant_has_a_cursor_of_its_own(store: Store) -> None:
    turn = await turn_of(store)
    await store.polls.store(turn, "c1", [], LEASE, complete=True)
    for tenant, connector in (("acme", "q"), ("globex", "p")):
        other = await store.polls.claim(tenant, connector, 0, LEASE, BACK, "m")
        assert isinstance(other, PollTurn)
        assert other.cursor == ""


async def test_an_event_is_known_by_its_record_and_by_the_events_of_its_request(
    store: Store, raw: Redis, make_commit
) -> None:
    commit = make_commit("R-1", "e1")
    await store.requests.commit(commit)
    old, new = (
        commit.event,
        Event(**{**{n: getattr(commit.event, n) for n in commit.event.__struct_fields__}, "id": "e2"}),
    )
    assert await store.event_memory.known([old, new]) == [True, False]
    assert raw.delete(tenant_keys("acme").idempotency(old.source, old.id)) == 1
    assert await store.event_memory.known([new, old]) == [False, True]
    assert await store.event_memory.known([]) == []
