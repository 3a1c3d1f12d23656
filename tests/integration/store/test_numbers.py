"""Request numbers: unique, without gaps, one series for each month and department."""

from __future__ import annotations

import asyncio

from redis import Redis

from answerby.store.keys import tenant_keys
from answerby.store.store import Store


async def test_200_concurrent_commits_get_200_numbers_without_gap(store: Store, redis_url: str, make_commit) -> None:
    other = await Store.connect(redis_url)
    writers = [store, other]
    commits = [writers[i % 2].requests.commit(make_commit(f"R-{i}", f"e{i}")) for i in range(200)]
    numbers = [committed.number for committed in await asyncio.gather(*commits)]
    await other.close()
    assert sorted(numbers) == [f"202310-CSR-{i:03d}" for i in range(1, 201)]


async def test_numbers_grow_past_999(store: Store, raw: Redis, make_commit) -> None:
    raw.execute_command("SET", tenant_keys("acme").serial("202310-CSR"), 998)
    results = await store.requests.commit_many([make_commit(f"R-{i}", f"e{i}") for i in range(3)])
    assert [r.number for r in results] == ["202310-CSR-999", "202310-CSR-1000", "202310-CSR-1001"]


async def test_months_and_departments_count_for_themselves(store: Store, make_commit) -> None:
    prefixes = ["202310-CSR", "202311-CSR", "202310-QA", "202310-CSR"]
    results = await store.requests.commit_many(
        [make_commit(f"R-{i}", f"e{i}", prefix=p) for i, p in enumerate(prefixes)]
    )
    assert [r.number for r in results] == ["202310-CSR-001", "202311-CSR-001", "202310-QA-001", "202310-CSR-002"]


async def test_a_request_keeps_its_number(store: Store, make_commit) -> None:
    import msgspec

    await store.requests.commit(make_commit())
    later = make_commit(event_id="e2", expected=1)
    asking = msgspec.structs.replace(later.decision, number_prefix="202311-QA")
    committed = await store.requests.commit(msgspec.structs.replace(later, decision=asking))
    assert committed.number == "202310-CSR-001"
    assert (await store.requests.get("acme", "R-1")).number == "202310-CSR-001"


async def test_a_lost_race_uses_up_no_number(store: Store, make_commit) -> None:
    await asyncio.gather(*(store.requests.commit(make_commit(event_id=f"e{i}")) for i in range(10)))
    assert (await store.requests.commit(make_commit("R-2", "x"))).number == "202310-CSR-002"
