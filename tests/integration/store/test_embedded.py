"""The embedded server, and what survives when a server dies."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from answerby.domain.clock import Timer
from answerby.domain.errors import StoreUnavailable
from answerby.store.connection import StoreOptions
from answerby.store.embedded import EmbeddedValkey
from answerby.store.store import Store
from tests.kit.patience import PATIENCE, wait_until
from tests.kit.processes import alive, started


def kill(server: EmbeddedValkey) -> None:
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not server.alive(), "the server ends")


async def test_committed_data_survives_kill_and_restart(own_server: EmbeddedValkey, make_commit, make_entry) -> None:
    due = datetime(2023, 10, 9, 1, 0, tzinfo=UTC)
    timer = Timer(id="reply/1/0/0", due=due, clock="reply", cycle=1, step=0)
    store = await Store.connect(own_server.url)
    commits = [make_commit(f"R-{i}", f"e{i}", arm=[timer], outbox=[make_entry(f"x{i}", f"R-{i}")]) for i in range(50)]
    numbers = [committed.number for committed in await store.requests.commit_many(commits)]
    await store.intake.open("acme")
    await store.intake.enqueue("acme", [commits[0].event])
    await store.intake.read("acme", "w1")

    kill(own_server)
    with pytest.raises(StoreUnavailable):
        await store.requests.get("acme", "R-0")
    own_server.start()

    # The same store goes on: it connects again and finds its scripts forgotten.
    assert [(await store.requests.get("acme", f"R-{i}")).number for i in range(50)] == numbers
    assert len(await store.log.read("acme")) == 50
    assert len(await store.timers.claim(["acme"], due)) == 50
    assert len(await store.outbox.lease("acme", "crm-out", timedelta(minutes=1), 100)) == 50
    assert [e.event.id for e in (await store.intake.claim_stale("acme", "w2", timedelta(0))).entries] == ["e0"]
    assert (await store.requests.load("acme", "R-0", "crm", "e0")).duplicate.payload_hash == "hash-e0"
    assert (await store.requests.commit(make_commit("R-new", "new"))).number == "202310-CSR-051"
    await store.close()


async def test_a_full_store_refuses_a_commit_whole(own_server: EmbeddedValkey, own_raw: Redis, make_commit) -> None:
    store = await Store.connect(own_server.url)
    await store.requests.commit(make_commit())
    names = sorted(own_raw.execute_command("KEYS", "*"))
    own_raw.execute_command("CONFIG", "SET", "maxmemory", "1000kb")
    with pytest.raises(StoreUnavailable, match="did not accept"):
        await store.requests.commit(make_commit("R-2", "e2"))
    assert sorted(own_raw.execute_command("KEYS", "*")) == names
    own_raw.execute_command("CONFIG", "SET", "maxmemory", "0")
    assert (await store.requests.commit(make_commit("R-2", "e2"))).number == "202310-CSR-002"
    await store.close()


async def test_the_embedded_server_needs_no_warning(own_server: EmbeddedValkey, own_raw: Redis) -> None:
    store = await Store.connect(own_server.url)
    assert await store.check() == []
    own_raw.execute_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    own_raw.execute_command("CONFIG", "SET", "appendonly", "no")
    warnings = await store.check()
    assert [warning.split(" is ")[0] for warning in warnings] == ["maxmemory-policy", "appendonly"]
    await store.close()


def test_only_its_owner_may_reach_it(own_server: EmbeddedValkey) -> None:
    path = Path(own_server.url.removeprefix("unix://").split("?")[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0


def test_a_second_start_in_the_folder_is_refused_and_does_no_harm(own_server: EmbeddedValkey) -> None:
    second = EmbeddedValkey(own_server.folder)
    with pytest.raises(StoreUnavailable, match=f"in use by answerby process {os.getpid()}"):
        second.start()
    second.stop()
    assert own_server.alive()
    assert Path(own_server.url.removeprefix("unix://").split("?")[0]).exists()


async def test_starting_twice_is_one_server_and_stop_is_final(own_server: EmbeddedValkey, make_commit) -> None:
    pid = own_server.pid
    own_server.start()
    assert own_server.pid == pid
    store = await Store.connect(own_server.url)
    await store.requests.commit(make_commit())
    await store.close()
    own_server.stop()
    own_server.stop()
    assert not own_server.alive()
    with pytest.raises(StoreUnavailable):
        await Store.connect(own_server.url)
    own_server.start()
    again = await Store.connect(own_server.url)
    assert (await again.requests.get("acme", "R-1")).number == "202310-CSR-001"
    await again.close()


PARENT = """
import sys
from pathlib import Path
from answerby.store.embedded import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]), binary=Path(sys.argv[2]) if sys.argv[2] else None)
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def test_a_server_whose_parent_died_is_replaced(data_folder: Path, binary: Path | None) -> None:
    command = [sys.executable, "-c", PARENT, data_folder, binary or ""]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        orphan = int(parent.stdout.readline())
        parent.kill()
        parent.wait(PATIENCE)
    assert alive(orphan)
    heir = EmbeddedValkey(data_folder, binary=binary)
    heir.start()
    wait_until(lambda: not alive(orphan), "the orphan ends")
    assert heir.pid != orphan
    assert heir.alive()
    heir.stop()


async def test_a_deep_folder_gets_a_short_socket(tmp_path: Path, binary: Path | None) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    server = EmbeddedValkey(deep, binary=binary)
    server.start()
    socket = Path(server.url.removeprefix("unix://").split("?")[0])
    assert len(os.fsencode(socket)) <= 100
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    await (await Store.connect(server.url)).close()
    server.stop()
    assert not socket.parent.exists()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreUnavailable, match="data folder"):
        EmbeddedValkey(blocked).start()


def test_a_server_that_does_not_start_leaves_its_last_words(tmp_path: Path, binary: Path | None) -> None:
    broken = EmbeddedValkey(tmp_path / "data", binary=binary)
    (tmp_path / "data" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "data" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(StoreUnavailable, match="did not start"):
        broken.start()
    assert not broken.alive()
    with pytest.raises(StoreUnavailable, match="cannot start"):
        EmbeddedValkey(tmp_path / "other", binary=tmp_path / "absent").start()


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="send it again"):
        await Store.connect(f"unix://{tmp_path}/nothing.sock", StoreOptions(socket_timeout=0.5))
