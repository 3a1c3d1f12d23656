"""The schema version of the store, and what an earlier version has stored."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest
from redis import Redis

from answerby.domain.errors import AnswerbyError
from answerby.store import codec, schema
from answerby.store.schema import CURRENT, OlderServersRun, StoreNewer
from answerby.store.store import Store
from tests.kit.patience import wait_until
from tests.kit.processes import started

KEY = "ab:schema"
IDS = ["KD", "R-1", "a:b", "投诉", "KD:x", *(f"N-{number}" for number in range(1200))]


def write_old_layout(raw: Redis, make_commit, tenant: str, ids: list[str]) -> None:
    """Requests as schema 1 kept them, each with two events and decisions: r:<id>, r:<id>:ev, r:<id>:dec."""
    root = f"ab:{{{tenant}}}"
    pipeline = raw.pipeline()
    pipeline.sadd("ab:tenants", tenant)
    for place, name in enumerate(ids):
        commits = [make_commit(name, f"e{step}", step, tenant=tenant) for step in (0, 1)]
        state = commits[1].decision.state
        number = f"202310-CSR-{place:03}"
        pipeline.hset(f"{root}:r:{name}", mapping={"s": codec.encode_state(state, 2), "v": 2, "n": number})
        for commit in commits:
            pipeline.rpush(f"{root}:r:{name}:ev", codec.encode(commit.event))
            pipeline.rpush(f"{root}:r:{name}:dec", codec.encode_decision(commit.decision))
        pipeline.zadd(f"{root}:requests", {name: 1_000_000 + place})
        pipeline.hset(f"{root}:facets", name, codec.encode_facets(state))
    pipeline.execute()


async def check_whole(store: Store, tenant: str, ids: list[str], make_commit) -> None:
    """Every request has its state, number, events and decisions, and goes on."""
    for name in ids:
        state = await store.requests.get(tenant, name)
        assert (state.request_id, state.decisions) == (name, 2)
        assert [event.id for event in await store.requests.events(tenant, name)] == ["e0", "e1"]
        assert [decision.event_id for decision in await store.requests.decisions(tenant, name)] == ["e1", "e0"]
    commit = make_commit(ids[0], "e2", 2, tenant=tenant)
    assert (await store.requests.commit(commit)).number == "202310-CSR-000"


def count_old(raw: Redis) -> int:
    return len(list(raw.scan_iter("ab:*:r:*")))


@pytest.fixture
def emptied(raw: Redis) -> Redis:
    raw.flushdb()
    return raw


async def test_an_empty_store_has_the_current_version(emptied: Redis, redis_url: str) -> None:
    store = await Store.connect(redis_url)
    assert emptied.get(KEY) == str(CURRENT).encode()
    assert store.migration is None
    await store.close()


async def test_what_schema_1_stored_is_moved_once(emptied: Redis, redis_url: str, make_commit) -> None:
    write_old_layout(emptied, make_commit, "acme", IDS)
    write_old_layout(emptied, make_commit, "globex", IDS[:3])
    store = await Store.connect(redis_url)
    assert store.migration == (1, 3 * (len(IDS) + 3))
    assert emptied.get(KEY) == str(CURRENT).encode()
    assert count_old(emptied) == 0
    await check_whole(store, "acme", IDS[:8] + IDS[-2:], make_commit)
    await check_whole(store, "globex", IDS[:3], make_commit)
    await store.close()
    again = await Store.connect(redis_url)
    assert again.migration is None
    await again.close()


async def test_the_documents_stay_as_they_were(emptied: Redis, redis_url: str, make_commit) -> None:
    write_old_layout(emptied, make_commit, "acme", ["R-1"])
    before = emptied.lrange("ab:{acme}:r:R-1:ev", 0, -1)
    store = await Store.connect(redis_url)
    assert [codec.encode(event) for event in await store.requests.events("acme", "R-1")] == before
    await store.close()


async def test_a_request_that_the_old_names_broke_begins_anew(emptied: Redis, redis_url: str, make_commit) -> None:
    """`KD:ev` took the name of the events of KD. The event of KD was refused half-way: a state, and nothing else."""
    write_old_layout(emptied, make_commit, "acme", ["KD:ev"])
    emptied.hset("ab:{acme}:r:KD", mapping={"s": "{}", "v": 1, "n": "202310-CSR-009"})
    store = await Store.connect(redis_url)
    await check_whole(store, "acme", ["KD:ev"], make_commit)
    assert (await store.requests.load("acme", "KD", "crm", "x")).state is None
    await store.requests.commit(make_commit("KD", "first"))
    assert [event.id for event in await store.requests.events("acme", "KD")] == ["first"]
    await store.close()


@pytest.mark.parametrize("done", [0, 1, 7, 500, 501])
async def test_a_move_that_was_killed_half_way_is_finished(
    emptied: Redis, redis_url: str, make_commit, done: int
) -> None:
    """Each request moves in one call. A kill leaves some under the new names, some under the old ones, and no version."""
    ids = IDS[:600]
    write_old_layout(emptied, make_commit, "acme", ids)
    for name in ids[:done]:
        old = "ab:{acme}:r:" + name
        emptied.rename(old, "ab:{acme}:request:" + name)
        emptied.rename(old + ":ev", "ab:{acme}:events:" + name)
        emptied.rename(old + ":dec", "ab:{acme}:decisions:" + name)
    store = await Store.connect(redis_url)
    assert store.migration == (1, 3 * (600 - done))
    assert count_old(emptied) == 0
    await check_whole(store, "acme", ids[:9] + ids[495:505], make_commit)
    await store.close()


async def test_a_process_that_is_killed_while_it_moves_is_followed_by_another(
    emptied: Redis, redis_url: str, make_commit
) -> None:
    write_old_layout(emptied, make_commit, "acme", IDS)
    program = "import asyncio, sys; from answerby.store.store import Store; asyncio.run(Store.connect(sys.argv[1]))"
    with started([sys.executable, "-c", program, redis_url]) as process:
        wait_until(lambda: emptied.exists("ab:{acme}:request:KD"), "the first request has moved")
        process.kill()
        process.wait()
    store = await Store.connect(redis_url)
    assert count_old(emptied) == 0
    await check_whole(store, "acme", IDS[:9] + IDS[-5:], make_commit)
    await store.close()


async def test_several_processes_may_move_at_once(emptied: Redis, redis_url: str, make_commit) -> None:
    write_old_layout(emptied, make_commit, "acme", IDS)
    stores = await asyncio.gather(*(Store.connect(redis_url) for _ in range(3)))
    assert sum(store.migration.moved for store in stores if store.migration) == 3 * len(IDS)
    await check_whole(stores[0], "acme", IDS[:8] + IDS[-2:], make_commit)
    for store in stores:
        await store.close()


async def test_a_store_of_a_later_version_is_refused_and_left_alone(emptied: Redis, redis_url: str) -> None:
    emptied.set(KEY, CURRENT + 1)
    with pytest.raises(StoreNewer, match=f"schema {CURRENT + 1}.*start the later version"):
        await Store.connect(redis_url)
    assert emptied.keys() == [KEY.encode()]


async def test_a_version_that_is_none_is_refused(emptied: Redis, redis_url: str) -> None:
    emptied.set(KEY, "one")
    with pytest.raises(AnswerbyError, match="no schema version"):
        await Store.connect(redis_url)


async def test_nothing_moves_while_a_server_of_the_earlier_version_runs(
    emptied: Redis, redis_url: str, make_commit, monkeypatch
) -> None:
    write_old_layout(emptied, make_commit, "acme", ["R-1"])
    monkeypatch.setattr(schema, "WAIT_SECONDS", 0.3)
    now = int(time.time() * 1000)
    emptied.hset("ab:rulebook:{live}:workers", mapping={"odd-0": "garbage", "odd-1": f"{now} [", b"\xff": b"\xff"})
    emptied.sadd("ab:tenants", "{odd}", b"\xff", "")
    beat = '{"revision":"r-1","generation":3}'
    emptied.hset("ab:rulebook:{live}:workers", "host-0-ab12", f"{now + 60_000} {beat}")
    with pytest.raises(OlderServersRun, match=r"host-0-ab12.*stop them first"):
        await Store.connect(redis_url)
    assert emptied.exists("ab:{acme}:r:R-1")
    emptied.hset("ab:rulebook:{live}:workers", "host-0-ab12", f"{now - 60_000} {beat}")
    store = await Store.connect(redis_url)
    await check_whole(store, "acme", ["R-1"], make_commit)
    await store.close()
