"""The decision log: in order, without gaps, with tokens that say when they are too old."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from answerby.domain.errors import InvalidInput, ResumeTokenExpired
from answerby.store.connection import StoreOptions
from answerby.store.keys import tenant_keys
from answerby.store.store import Store
from tests.kit.patience import in_time


async def fill(store: Store, make_commit, *names: str) -> None:
    await store.requests.commit_many([make_commit(f"R-{name}", name) for name in names])


async def test_decisions_are_read_in_order_and_resumed(store: Store, make_commit) -> None:
    await fill(store, make_commit, "a", "b", "c")
    first = await store.log.read("acme", count=2)
    assert [(d.log_sequence, d.decision.event_id) for d in first] == [(1, "a"), (2, "b")]
    assert first[0].decision.number == "202310-CSR-001"
    rest = await store.log.read("acme", first[-1].token)
    assert [d.decision.event_id for d in rest] == ["c"]
    assert await store.log.read("acme", rest[-1].token) == []


async def test_the_ends_of_the_log(store: Store, make_commit) -> None:
    assert await store.log.read("acme", await store.log.latest_token("acme")) == []
    start = await store.log.oldest_token("acme")
    await fill(store, make_commit, "a", "b")
    assert len(await store.log.read("acme", start)) == 2
    assert len(await store.log.read("acme", await store.log.oldest_token("acme"))) == 2
    latest = await store.log.latest_token("acme")
    await fill(store, make_commit, "c")
    assert [d.decision.event_id for d in await store.log.read("acme", latest)] == ["c"]


async def test_a_waiting_reader_is_woken(store: Store, make_commit) -> None:
    token = await store.log.latest_token("acme")
    waiting = asyncio.create_task(store.log.read("acme", token, block_ms=30_000))
    await asyncio.sleep(0)
    await fill(store, make_commit, "a")
    assert [d.decision.event_id for d in await in_time(waiting)] == ["a"]


async def test_a_wait_ends_empty(store: Store) -> None:
    assert await store.log.read("acme", block_ms=1) == []


async def test_a_token_older_than_what_is_retained_has_expired(store: Store, raw: Redis, make_commit) -> None:
    await fill(store, make_commit, "a", "b", "c")
    tokens = [d.token for d in await store.log.read("acme")]
    raw.execute_command("XTRIM", tenant_keys("acme").log, "MAXLEN", 1)
    with pytest.raises(ResumeTokenExpired) as expired:
        await store.log.read("acme", tokens[0])
    oldest = expired.value.metadata["oldest_token"]
    assert [d.decision.event_id for d in await store.log.read("acme", oldest)] == ["c"]
    # Nothing is missing after the second.
    assert [d.decision.event_id for d in await store.log.read("acme", tokens[1])] == ["c"]


async def test_an_emptied_log_still_knows_what_was_missed(store: Store, raw: Redis, make_commit) -> None:
    await fill(store, make_commit, "a", "b")
    first, second = [d.token for d in await store.log.read("acme")]
    raw.execute_command("XTRIM", tenant_keys("acme").log, "MAXLEN", 0)
    with pytest.raises(ResumeTokenExpired) as expired:
        await store.log.read("acme", first)
    assert await store.log.read("acme", expired.value.metadata["oldest_token"]) == []
    assert await store.log.read("acme", second) == []


async def test_the_log_is_trimmed_by_age_and_by_length(redis_url: str, make_commit) -> None:
    store = await Store.connect(redis_url, StoreOptions(log_max_length=3))
    await fill(store, make_commit, "a", "b", "c", "d", "e")
    now = datetime.now(UTC)
    assert await store.log.trim("acme", now) == 2
    assert [d.decision.event_id for d in await store.log.read("acme")] == ["c", "d", "e"]
    assert await store.log.trim("acme", now + timedelta(days=31)) == 3
    assert await store.log.read("acme") == []
    # The request keeps its decisions.
    assert len(await store.requests.decisions("acme", "R-a")) == 1
    await store.close()


@pytest.mark.parametrize("token", ["nonsense", "", "AAAA", "中文", "a" * 5000])
async def test_a_token_of_another_tenant_or_of_nobody_is_refused(store: Store, make_commit, token: str) -> None:
    await fill(store, make_commit, "a")
    foreign = token or await store.log.latest_token("globex")
    with pytest.raises(InvalidInput, match="resume_token"):
        await store.log.read("acme", foreign)


async def test_a_token_outlives_the_store_it_came_from_only_as_expired(store: Store, raw: Redis, make_commit) -> None:
    await fill(store, make_commit, "a", "b")
    token = await store.log.latest_token("acme")
    raw.execute_command("FLUSHDB")
    await fill(store, make_commit, "c")
    with pytest.raises(ResumeTokenExpired):
        await store.log.read("acme", token)


async def test_numbers_of_many_writers_have_no_gap(store: Store, redis_url: str, make_commit) -> None:
    other = await Store.connect(redis_url)
    writers = (store, other)
    await asyncio.gather(*(writers[i % 2].requests.commit(make_commit(f"R-{i}", f"e{i}")) for i in range(100)))
    await other.close()
    seen, token = [], ""
    while page := await store.log.read("acme", token, count=7):
        token = page[-1].token
        seen += [d.log_sequence for d in page]
    assert seen == list(range(1, 101))
