"""The embedded server, and what survives when a server dies."""

from __future__ import annotations

import os
import shutil
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
from answerby.store.embedded import EmbeddedValkey, shipped_binary
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
    for setting, value in (("appendfsync", "everysec"), ("appendfsync", "no"), ("appendonly", "no")):
        own_raw.config_set(setting, value)
        (warning,) = await store.check()
        assert warning.startswith(f"{setting} is {value}: ")
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


@pytest.mark.parametrize("vanish", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("moved"))])
async def test_a_folder_that_vanished_is_noticed_and_nothing_is_acknowledged(
    own_server: EmbeddedValkey, make_commit, vanish
) -> None:
    store = await Store.connect(own_server.url)
    await store.requests.commit(make_commit())
    assert own_server.data_problem() == ""
    vanish(own_server.folder)
    assert str(own_server.folder) in own_server.data_problem()
    with pytest.raises(StoreUnavailable, match="in use by answerby process"):
        EmbeddedValkey(own_server.folder).start()
    # A folder of that name is not the folder with the data.
    assert "replaced by another folder" in own_server.data_problem()
    own_server.refuse_writes(refuse=True)
    with pytest.raises(StoreUnavailable, match="data folder"):
        await store.requests.commit(make_commit("R-2", "e2"))
    assert (await store.requests.get("acme", "R-1")).request_id == "R-1"
    own_server.refuse_writes(refuse=False)
    assert (await store.requests.commit(make_commit("R-2", "e2"))).number == "202310-CSR-002"
    await store.close()


async def test_a_data_file_that_vanished_is_noticed(own_server: EmbeddedValkey, own_raw: Redis) -> None:
    files = own_server.folder / "appendonlydir"
    own_raw.set("x", 1)
    for _ in range(3):
        own_raw.bgrewriteaof()
        # The server deletes its old files while we look.
        wait_until(lambda: own_server.data_problem() or not own_raw.info("persistence")["aof_rewrite_in_progress"])
        assert own_server.data_problem() == ""
    next(files.glob("*.incr.aof")).unlink()
    assert "incr.aof cannot be read" in own_server.data_problem()


COMMANDS = 20 * 1024
"""The server tells of its progress after each 1024 commands that it has loaded."""


def test_a_start_lasts_as_long_as_it_makes_progress(tmp_path: Path, data_folder: Path, binary: Path | None) -> None:
    first = EmbeddedValkey(data_folder, binary=binary)
    first.start()
    with Redis.from_url(first.url) as client:
        for at in range(0, COMMANDS, 2048):
            pipeline = client.pipeline(transaction=False)
            for n in range(at, at + 2048):
                pipeline.set(n, "x")
            pipeline.execute()
    first.stop()
    # 200 microseconds for each command are at least 4 s for all, and a fifth of a second between two signs of progress.
    slow = tmp_path / "slow-loader"
    slow.write_text(f'#!/bin/sh\nexec {binary or shipped_binary()} "$@" --key-load-delay 200\n')
    slow.chmod(0o700)
    again = EmbeddedValkey(data_folder, binary=slow)
    again.start(stalled=3.0)
    with Redis.from_url(again.url) as client:
        assert client.dbsize() == COMMANDS
    kill(again)
    again.restart()
    seen = set()
    wait_until(lambda: (seen.add(again.loading()), again.loading() is None)[1], "the data is loaded")
    progress = sorted(loading.loaded for loading in seen if loading is not None)
    assert len(progress) > 2
    assert progress[-1] > progress[0]
    again.stop()


def test_a_start_without_progress_ends(tmp_path: Path, data_folder: Path) -> None:
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexec sleep 1000\n")
    idle.chmod(0o700)
    with pytest.raises(StoreUnavailable, match="did not start"):
        EmbeddedValkey(data_folder, binary=idle).start(stalled=0.2)


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
from answerby.store.embedded import EmbeddedValkey, shipped_binary
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
