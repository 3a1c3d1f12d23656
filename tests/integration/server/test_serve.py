"""The whole service as processes: supervised workers, kill -9, drain, metrics, the embedded store."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
import grpc.aio
import httpx2
import pytest
import redis

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.api.v1 import rulebook_service_pb2_grpc as rulebook_rpc
from answerby.domain.event import Event
from tests.kit.clients import submit
from tests.kit.needs import on_every_store
from tests.kit.patience import PATIENCE, eventually
from tests.kit.processes import alive, free_address, started
from tests.kit.served import serving

WHEN = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def two_workers(settings):
    settings["server"]["workers"] = 2
    settings["metrics"] = {"listen": "127.0.0.1:0"}
    settings["log"] = {"level": "info"}
    return settings


@on_every_store
async def test_a_worker_that_is_killed_is_replaced_and_its_work_done(two_workers, store, make_event):
    with serving(two_workers) as served:
        address = served.address()
        metrics = next(line["address"] for line in served.lines if line["event"] == "metrics")
        before = served.workers()
        assert len(before) == 2
        events = [
            Event(source="bulk", id=f"{n}", type="request.received", time=datetime.now(UTC), request_id=f"B-{n}")
            for n in range(400)
        ]
        await store.intake.open("default")
        for start in range(0, 400, 40):
            await store.intake.enqueue("default", events[start : start + 40])
            if start == 120:
                os.kill(before[0], signal.SIGKILL)
        await asyncio.to_thread(served.line, "worker ended, replaced")
        await asyncio.to_thread(served.line, "worker started")
        reply = await submit(address, [make_event(n) for n in range(1, 51)])
        assert {result.code for result in reply.results} == {0}

        async def all_decided() -> bool:
            depth = await store.intake.depth("default")
            return depth.unread == 0 and depth.pending == 0

        await eventually(all_decided)
        logged = [entry.decision.id for entry in await store.log.read("default", count=1000)]
        assert sorted(logged) == sorted([f"B-{n}/1" for n in range(400)] + [f"R-{n}/1" for n in range(1, 51)])
        after = served.workers()
        assert len(after) == 2
        assert before[1] in after
        assert before[0] not in after

        async with httpx2.AsyncClient() as client:
            text = (await client.get(f"http://{metrics}/metrics")).text
        assert "answerby_workers 2.0" in text
        assert "answerby_worker_restarts 1.0" in text
        assert "answerby_decisions_total" in text
        assert 'answerby_rulebook_state{state="active"} 1.0' in text
        assert served.stop() == 0


async def test_a_frozen_worker_is_killed_and_replaced(two_workers):
    with serving(two_workers, before="import answerby.server.supervisor as s; s.SILENT_SECONDS = 2.5") as served:
        served.address()
        frozen = served.workers()[0]
        os.kill(frozen, signal.SIGSTOP)
        await asyncio.to_thread(served.line, "worker silent, killed")
        await asyncio.to_thread(served.line, "worker started")
        assert frozen not in served.workers()
        assert served.stop() == 0


async def test_a_reload_reaches_every_worker(two_workers, rules):
    with serving(two_workers) as served:
        address = served.address()
        text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: high}", "{priority: top}")
        (rules / "priority.yaml").write_text(text, "utf-8")
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rulebook_rpc.RulebookServiceStub(channel)
            reply = await stub.ReloadRulebook(rulebook_pb.ReloadRulebookRequest(), wait_for_ready=True)
        activated: set[int] = set()
        while len(activated) < 2:
            line = await asyncio.to_thread(served.line, "rulebook activated")
            if line["revision"] == reply.rulebook.revision:
                activated.add(line["pid"])
        assert served.stop(signal.SIGINT) == 0


@pytest.fixture
def tcp_redis(tmp_path) -> Iterator[str]:
    """The URL of a redis-server that listens on a port, set as it comes: without its append-only file."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on this machine")
    host, _, port = free_address().rpartition(":")
    command = [binary, "--port", port, "--bind", host, "--dir", tmp_path, "--save", ""]
    with started(command, stdout=subprocess.DEVNULL):
        yield f"redis://{host}:{port}/0"


async def test_a_redis_of_ones_own_is_used_and_its_settings_are_judged(settings, tcp_redis, make_event):
    async def answers() -> bool:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(tcp_redis) as client:
            return bool(client.ping())
        return False

    await eventually(answers)
    settings["store"]["redis_url"] = tcp_redis
    settings["log"] = {"level": "info"}
    decided = []
    for _ in range(2):
        with serving(settings) as served:
            assert "appendonly is no" in served.line("store setting")["warning"]
            address = served.address()
            decided.append((await submit(address, [make_event(1, when=datetime(2026, 3, 2, tzinfo=UTC))])).results[0])
            assert served.stop() == 0
    assert [result.duplicate for result in decided] == [False, True]
    assert decided[0].decision.number == decided[1].decision.number == "202603-DSK-001"


async def test_the_embedded_store_keeps_what_was_accepted(settings, make_event):
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = served.address()
        event = make_event(1)
        first = (await submit(address, [event])).results[0]
        assert not first.duplicate
        assert served.stop() == 0
    with serving(settings) as served:
        address = served.address()
        again = (await submit(address, [event])).results[0]
        assert again.duplicate
        assert again.decision.number == first.decision.number
        assert served.stop() == 0


async def test_a_data_folder_that_is_restored_gives_no_number_twice(settings, make_event, tmp_path):
    """By the page on backups: the service is stopped, the whole folder is copied, and put back later."""
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    data, backup = Path(settings["store"]["data_folder"]), tmp_path / "backup"

    async def numbers_of(served, *events: int) -> list[str]:
        reply = await submit(served.address(), [make_event(n, when=WHEN) for n in events])
        return [result.decision.number for result in reply.results]

    with serving(settings) as served:
        assert await numbers_of(served, 1) == ["202603-DSK-001"]
        assert served.stop() == 0
    shutil.copytree(data, backup, ignore=shutil.ignore_patterns("*.sock"))
    with serving(settings) as served:
        assert await numbers_of(served, 2, 3) == ["202603-DSK-002", "202603-DSK-003"]
        assert served.stop() == 0
    shutil.rmtree(data)
    backup.rename(data)
    with serving(settings) as served:
        (number,) = await numbers_of(served, 4)
        assert number > "202603-DSK-100"
        loss = await asyncio.to_thread(served.line, "store has lost decisions")
        assert (loss["tenant"], loss["count"]) == ("default", loss["known"] - loss["found"])
        assert served.stop() == 0


async def test_the_embedded_store_is_restarted_when_it_dies(settings, make_event, tmp_path):
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = served.address()
        first = (await submit(address, [make_event(1)])).results[0]
        with redis.Redis(unix_socket_path=str(Path(settings["store"]["data_folder"]) / "valkey.sock")) as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)
        await asyncio.to_thread(served.line, "embedded store ended, restarted")

        async def taken():
            result = (await submit(address, [make_event(2)])).results[0]
            return result if result.code == 0 else None

        result = await eventually(taken)
        assert result.decision.number != first.decision.number
        assert served.stop() == 0


async def test_nothing_is_acknowledged_while_the_data_folder_is_gone(settings, make_event, tmp_path):
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    folder, away = Path(settings["store"]["data_folder"]), tmp_path / "away"
    with serving(settings) as served:
        address = served.address()
        first = (await submit(address, [make_event(1)])).results[0]
        folder.rename(away)
        gone = await asyncio.to_thread(served.line, "data folder is gone")
        assert str(folder) in gone["problem"]
        refused = (await submit(address, [make_event(2)])).results[0]
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE.value[0], "STORE_UNAVAILABLE")
        with serving(settings) as second:
            assert await asyncio.to_thread(second.process.wait, PATIENCE) != 0
            assert "in use by answerby process" in str(second.rest())
        shutil.rmtree(folder)
        away.rename(folder)
        await asyncio.to_thread(served.line, "data folder is back")

        async def taken():
            result = (await submit(address, [make_event(2)])).results[0]
            return result if result.code == 0 else None

        result = await eventually(taken)
        assert not result.duplicate
        assert result.decision.number != first.decision.number
        assert served.stop() == 0


async def test_workers_end_when_the_supervisor_is_killed(two_workers):
    with serving(two_workers) as served:
        served.line("listening")
        workers = served.workers()
        assert len(workers) == 2
        served.process.kill()

        await eventually(lambda: not any(alive(pid) for pid in workers), "all workers end")


async def test_a_drain_finishes_what_was_begun(two_workers, make_event):
    with serving(two_workers) as served:
        address = served.address()
        await submit(address, [make_event(0)])
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)
            calls = [
                stub.SubmitEvents(pb.SubmitEventsRequest(events=[make_event(n * 500 + k) for k in range(1, 501)]))
                for n in range(4)
            ]
            await asyncio.gather(*(call.wait_for_connection() for call in calls))
            await asyncio.sleep(0)
            stopped = asyncio.to_thread(served.stop)
            results = await asyncio.gather(*calls, stopped, return_exceptions=True)
        assert results[-1] == 0
        for result in results[:-1]:
            if isinstance(result, grpc.aio.AioRpcError):
                assert result.code() == grpc.StatusCode.UNAVAILABLE
            else:
                assert {item.code for item in result.results} == {0}


def test_a_port_in_use_is_said(settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings["server"]["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
        with serving(settings) as served:
            assert served.process.wait(PATIENCE) != 0
            assert "cannot listen on 127.0.0.1" in str(served.rest())
