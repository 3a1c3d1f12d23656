"""The decision log: in order, without gaps, with tokens that say when they are too old."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from answerby.domain.errors import InvalidInput, ResumeTokenExpired
from answerby.store.connection import StoreOptions
from answerby.store.keys import tenant_keys
from answerby.store.store import Store


async def fill(store: Store, make_commit, *names: str) -> None:
    await store.commit_many([make_commit(f"R-{name}", name) for name in names])


async def test_decisions_are_read_in_order_and_resumed(store: Store, make_commit) -> None:
    await fill(store, make_commit, "a", "b", "c")
    first = await store.read_decisions("acme", count=2)
    assert [(d.log_sequence, d.decision.event_id) for d in first] == [(1, "a"), (2, "b")]
    assert first[0].decision.number == "202310-CSR-001"
    rest = await store.read_decisions("acme", first[-1].token)
    assert [d.decision.event_id for d in rest] == ["c"]
    assert await store.read_decisions("acme", rest[-1].token) == []


async def test_the_ends_of_the_log(store: Store, make_commit) -> None:
    assert await store.read_decisions("acme", await store.latest_token("acme")) == []
    start = await store.oldest_token("acme")
    await fill(store, make_commit, "a", "b")
    assert len(await store.read_decisions("acme", start)) == 2
    assert len(await store.read_decisions("acme", await store.oldest_token("acme"))) == 2
    latest = await store.latest_token("acme")
    await fill(store, make_commit, "c")
    assert [d.decision.event_id for d in await store.read_decisions("acme", latest)] == ["c"]


async def test_a_waiting_reader_is_woken(store: Store, make_commit) -> None:
    token = await store.latest_token("acme")
    waiting = asyncio.create_task(store.read_decisions("acme", token, block_ms=30_000))
    await asyncio.sleep(0)
    await fill(store, make_commit, "a")
    assert [d.decision.event_id for d in await asyncio.wait_for(waiting, 10)] == ["a"]


async def test_a_wait_ends_empty(store: Store) -> None:
    assert await store.read_decisions("acme", block_ms=1) == []


async def test_a_token_older_than_what_is_retained_has_expired(store: Store, make_commit) -> None:
    await fill(store, make_commit, "a", "b", "c")
    tokens = [d.token for d in await store.read_decisions("acme")]
    await store._connection.execute("XTRIM", tenant_keys("acme").log, "MAXLEN", 1)
    with pytest.raises(ResumeTokenExpired) as expired:
        await store.read_decisions("acme", tokens[0])
    oldest = expired.value.metadata["oldest_token"]
    assert [d.decision.event_id for d in await store.read_decisions("acme", oldest)] == ["c"]
    # Nothing is missing after the second.
    assert [d.decision.event_id for d in await store.read_decisions("acme", tokens[1])] == ["c"]


async def test_an_emptied_log_still_knows_what_was_missed(store: Store, make_commit) -> None:
    await fill(store, make_commit, "a", "b")
    first, second = [d.token for d in await store.read_decisions("acme")]
    await store._connection.execute("XTRIM", tenant_keys("acme").log, "MAXLEN", 0)
    with pytest.raises(ResumeTokenExpired) as expired:
        await store.read_decisions("acme", first)
    assert await store.read_decisions("acme", expired.value.metadata["oldest_token"]) == []
    assert await store.read_decisions("acme", second) == []


async def test_the_log_is_trimmed_by_age_and_by_length(redis_url: str, make_commit) -> None:
    store = await Store.connect(redis_url, StoreOptions(log_max_length=3))
    await fill(store, make_commit, "a", "b", "c", "d", "e")
    now = datetime.now(UTC)
    assert await store.trim_log("acme", now) == 2
    assert [d.decision.event_id for d in await store.read_decisions("acme")] == ["c", "d", "e"]
    assert await store.trim_log("acme", now + timedelta(days=31)) == 3
    assert await store.read_decisions("acme") == []
    # The request keeps its decisions.
    assert len(await store.decisions("acme", "R-a")) == 1
    await store.close()


@pytest.mark.parametrize("token", ["nonsense", "", "AAAA", "中文", "a" * 5000])
async def test_a_token_of_another_tenant_or_of_nobody_is_refused(store: Store, make_commit, token: str) -> None:
    await fill(store, make_commit, "a")
    foreign = token or await store.latest_token("globex")
    with pytest.raises(InvalidInput, match="resume_token"):
        await store.read_decisions("acme", foreign)


async def test_a_token_outlives_the_store_it_came_from_only_as_expired(store: Store, make_commit) -> None:
    await fill(store, make_commit, "a", "b")
    token = await store.latest_token("acme")
    await store._connection.execute("FLUSHDB")
    await fill(store, make_commit, "c")
    with pytest.raises(ResumeTokenExpired):
        await store.read_decisions("acme", token)


async def test_numbers_of_many_writers_have_no_gap(store: Store, redis_url: str, make_commit) -> None:
    other = await Store.connect(redis_url)
    writers = (store, other)
    await asyncio.gather(*(writers[i % 2].commit(make_commit(f"R-{i}", f"e{i}")) for i in range(100)))
    await other.close()
    seen, token = [], ""
    while page := await store.read_decisions("acme", token, count=7):
        token = page[-1].token
        seen += [d.log_sequence for d in page]
    assert seen == list(range(1, 101))
