"""A store that was closed stays closed."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio

from answerby.domain.errors import StoreUnavailable
from answerby.store.store import Store
from tests.kit.patience import eventually


async def blocked_readers(client: redis.asyncio.Redis) -> int:
    return sum("b" in entry["flags"] for entry in await client.client_list())


async def test_a_call_under_way_fails_and_does_not_connect_again(redis_url: str) -> None:
    store = await Store.connect(redis_url)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        before = {entry["id"] for entry in await client.client_list()}
        token = await store.log.latest_token("acme")
        reading = asyncio.create_task(store.log.read("acme", token, block_ms=10_000))
        await eventually(lambda: blocked_readers(client))
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await reading
        assert await blocked_readers(client) == 0
        assert {entry["id"] for entry in await client.client_list()} <= before


async def test_a_call_after_the_end_is_refused(redis_url: str) -> None:
    store = await Store.connect(redis_url)
    await store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.ping()
