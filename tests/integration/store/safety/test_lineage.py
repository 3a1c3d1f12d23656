"""A store that went back is found out, and gives no number twice: a backup restored, a file lost, a store emptied."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from answerby.store.connection import StoreOptions
from answerby.store.embedded import EmbeddedValkey
from answerby.store.keys import tenant_keys
from answerby.store.safety.lineage import Loss
from answerby.store.safety.marks import AHEAD
from answerby.store.store import Store
from tests.kit.patience import wait_until
from tests.kit.processes import free_address


class GoesBack:
    """A server whose data can be put aside and taken back."""

    def __init__(self, server: EmbeddedValkey, folder: Path) -> None:
        self.server = server
        self._aside = folder / "aside"
        self._marks = folder / "marks"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The store as a worker has it."""
        store = await Store.connect(self.server.url, StoreOptions(marks=self._marks))
        try:
            yield store
        finally:
            await store.close()

    def put_aside(self) -> None:
        """What lies there now is what `go_back` brings back."""
        shutil.copytree(self._data, self._aside)

    def go_back(self) -> None:
        self.kill()
        shutil.rmtree(self._data)
        shutil.copytree(self._aside, self._data)
        self.server.start()

    def empty(self) -> None:
        self.kill()
        shutil.rmtree(self._data)
        self.server.start()

    def kill(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        wait_until(lambda: not self.server.alive(), "the server ends")

    @property
    def _data(self) -> Path:
        return self.server.folder / "appendonlydir"


@pytest.fixture
def here(own_server: EmbeddedValkey, tmp_path: Path) -> GoesBack:
    return GoesBack(own_server, tmp_path)


async def numbers(store: Store, make_commit: Callable, *serials: int) -> list[str]:
    """The numbers of new requests."""
    return [(await store.requests.commit(make_commit(f"R-{n}", f"e{n}"))).number for n in serials]


async def test_a_worker_that_goes_on_finds_the_loss_before_it_gives_a_number(here: GoesBack, make_commit) -> None:
    async with here.store() as store:
        given = await numbers(store, make_commit, 1, 2, 3)
        here.put_aside()
        given += await numbers(store, make_commit, 4, 5)
        here.go_back()
        after = await numbers(store, make_commit, 6, 7)
        assert store.losses == [Loss("acme", known=5, found=3)]
    assert given == [f"202310-CSR-{n:03d}" for n in range(1, 6)]
    # The first number of the month marked the next hundred, so the count goes on beyond them.
    assert after == [f"202310-CSR-{1 + AHEAD + n:03d}" for n in (1, 2)]


async def test_a_worker_that_starts_finds_what_another_was_told(here: GoesBack, make_commit) -> None:
    async with here.store() as store:
        await numbers(store, make_commit, 1)
        here.put_aside()
        await numbers(store, make_commit, 2)
    here.go_back()
    async with here.store() as store:
        assert store.losses == [Loss("acme", known=2, found=1)]
        assert await numbers(store, make_commit, 3) == [f"202310-CSR-{2 + AHEAD:03d}"]
    # It is told once. What was found out is the state from now on.
    async with here.store() as store:
        assert store.losses == []


async def test_as_many_new_decisions_do_not_hide_a_loss(here: GoesBack, make_commit) -> None:
    async with here.store() as store:
        await numbers(store, make_commit, 1)
        here.put_aside()
        await numbers(store, make_commit, 2)
        here.go_back()
        other = await Store.connect(here.server.url)
        await numbers(other, make_commit, 3, 4)
        await other.close()
        await store.ping()
        assert [loss.known for loss in store.losses] == [2]


async def test_a_store_that_lost_everything_is_found_out(here: GoesBack, make_commit) -> None:
    async with here.store() as store:
        await numbers(store, make_commit, 1, 2)
        here.empty()
        assert await numbers(store, make_commit, 3) == [f"202310-CSR-{2 + AHEAD:03d}"]
        assert store.losses == [Loss("acme", known=2, found=0)]


async def test_marks_cut_short_by_a_loss_of_power_keep_numbers_safe(here: GoesBack, make_commit, tmp_path) -> None:
    async with here.store() as store:
        here.put_aside()
        await numbers(store, make_commit, 1)
    next((tmp_path / "marks").glob("*.newest.json")).write_bytes(b"")
    here.go_back()
    async with here.store() as store:
        assert await numbers(store, make_commit, 2) == [f"202310-CSR-{2 + AHEAD:03d}"]


async def test_a_store_that_kept_everything_is_no_loss(here: GoesBack, own_raw: Redis, make_commit) -> None:
    async with here.store() as store:
        await numbers(store, make_commit, 1, 2)
        here.kill()
        here.server.start()
        assert await numbers(store, make_commit, 3) == ["202310-CSR-003"]
        assert store.losses == []
    # A log that was trimmed has lost nothing that it should have.
    await trim(here, datetime(2100, 1, 1, tzinfo=UTC))
    here.kill()
    here.server.start()
    async with here.store() as store:
        assert await numbers(store, make_commit, 4) == ["202310-CSR-004"]
        assert store.losses == []


async def trim(here: GoesBack, now: datetime) -> None:
    store = await Store.connect(here.server.url)
    await store.log.trim("acme", now)
    await store.close()


async def test_a_replica_that_lagged_and_took_over(here: GoesBack, own_raw: Redis, make_commit, tmp_path: Path) -> None:
    replica = EmbeddedValkey(tmp_path / "replica")
    replica.start()
    current = tmp_path / "current.sock"
    current.symlink_to(here.server.folder / "valkey.sock")
    port = free_address().rpartition(":")[2]
    own_raw.config_set("port", port)
    with Redis.from_url(replica.url) as follower:
        follower.replicaof("127.0.0.1", port)
        store = await Store.connect(f"unix://{current}", StoreOptions(marks=tmp_path / "marks"))
        await numbers(store, make_commit, 1, 2)
        wait_until(lambda: follower.get(tenant_keys("acme").log_sequence) == b"2", "the replica follows")
        # The replica hears no more from here on, as one whose network is slow.
        follower.replicaof("NO", "ONE")
        await numbers(store, make_commit, 3)
    current.unlink()
    current.symlink_to(replica.folder / "valkey.sock")
    here.kill()
    assert await numbers(store, make_commit, 4) == [f"202310-CSR-{2 + AHEAD:03d}"]
    assert store.losses == [Loss("acme", known=3, found=2)]
    await store.close()
    replica.stop()


async def test_another_store_is_no_loss(here: GoesBack, make_commit, data_folder: Path, tmp_path: Path) -> None:
    other = EmbeddedValkey(tmp_path / "other")
    other.start()
    elsewhere = await Store.connect(other.url, StoreOptions(marks=tmp_path / "elsewhere"))
    assert await numbers(elsewhere, make_commit, 1) == ["202310-CSR-001"]
    await elsewhere.close()
    async with here.store() as store:
        await numbers(store, make_commit, 1, 2)
    moved = await Store.connect(other.url, StoreOptions(marks=tmp_path / "marks"))
    assert moved.losses == []
    assert await numbers(moved, make_commit, 2) == ["202310-CSR-002"]
    await moved.close()
    other.stop()
