"""What is acknowledged lies on the disk, where the settings say so: a kill on a disk that takes its time loses none of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from answerby.domain.errors import RequestNotFound, StoreUnavailable
from answerby.store.connection import StoreOptions
from answerby.store.embedded import EmbeddedValkey
from answerby.store.safety.durability import Durability
from answerby.store.store import Store
from tests.kit.chaos.slow_sync import inherited, slowed_by
from tests.kit.patience import eventually

ENOUGH = 30
WRITERS = 8
ACKNOWLEDGED = StoreOptions(durability=Durability.ACKNOWLEDGED)


async def acknowledged_before_a_kill(server: EmbeddedValkey, options: StoreOptions, make_commit: Callable) -> set[str]:
    """The requests that writers were told of before the server was killed under them."""
    told: set[str] = set()
    store = await Store.connect(server.url, options)

    async def write(writer: int) -> None:
        for n in range(10_000):
            name = f"R-{writer}-{n}"
            try:
                await store.requests.commit(make_commit(name, name))
            except StoreUnavailable:
                return
            told.add(name)

    writers = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    await eventually(lambda: len(told) >= ENOUGH)
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.gather(*writers)
    await store.close()
    await eventually(lambda: not server.alive())
    return told


async def kept(server: EmbeddedValkey, names: set[str]) -> set[str]:
    """Those of the requests that a server that has started again has."""
    server.start()
    store = await Store.connect(server.url)
    found = set()
    for name in names:
        try:
            found.add((await store.requests.get("acme", name)).request_id)
        except RequestNotFound:
            continue
    await store.close()
    return found


async def test_the_embedded_store_on_a_slow_disk(tmp_path, data_folder, binary, make_commit) -> None:
    with inherited(slowed_by(100, tmp_path)):
        server = EmbeddedValkey(data_folder, binary=binary)
        server.start()
        told = await acknowledged_before_a_kill(server, StoreOptions(), make_commit)
        assert await kept(server, told) == told
        server.stop()


async def test_a_server_that_syncs_later_when_replies_wait_for_it(tmp_path, data_folder, make_commit) -> None:
    with inherited(slowed_by(100, tmp_path)):
        server = EmbeddedValkey(data_folder)
        server.start()
        with Redis.from_url(server.url) as raw:
            raw.config_set("appendfsync", "everysec")
        told = await acknowledged_before_a_kill(server, ACKNOWLEDGED, make_commit)
        assert await kept(server, told) == told
        server.stop()


async def test_what_waits_for_the_sync_does_all_it_did_before(data_folder: Path, make_commit, make_entry) -> None:
    server = EmbeddedValkey(data_folder)
    server.start()
    store = await Store.connect(server.url, ACKNOWLEDGED)
    assert await store.check() == []
    await store.requests.commit(make_commit(outbox=[make_entry("x1")]))
    assert (await store.requests.load("acme", "R-1", "crm", "e1")).duplicate is not None
    with Redis.from_url(server.url) as raw:
        raw.execute_command("SCRIPT FLUSH")
    commits = [make_commit(f"B-{n}", f"b{n}") for n in range(5)]
    assert [c.number for c in await store.requests.commit_many(commits)] == [f"202310-CSR-{n:03d}" for n in range(2, 7)]
    assert len(await store.outbox.lease("acme", "crm-out", timedelta(minutes=1))) == 1
    assert len(await store.intake.enqueue("acme", [commits[0].event, commits[1].event])) == 2
    await store.close()
    server.stop()


async def test_a_server_that_cannot_tell_of_its_syncs_is_refused(own_server: EmbeddedValkey, own_raw: Redis) -> None:
    own_raw.config_set("appendonly", "no")
    with pytest.raises(StoreUnavailable, match=r"needs Redis 7\.2 or later, or Valkey, with appendonly yes"):
        await Store.connect(own_server.url, ACKNOWLEDGED)
