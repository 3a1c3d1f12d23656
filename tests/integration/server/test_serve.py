"""The whole service as processes: supervised workers, kill -9, drain, metrics, the embedded store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import grpc.aio
import httpx2
import pytest
import redis

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.api.v1 import rulebook_service_pb2_grpc as rulebook_rpc
from answerby.domain.event import Event
from tests.kit.needs import on_every_store

PROGRAM = """
import sys
from answerby.server.base.config import Config
from answerby.server.serve import serve
sys.exit(serve(Config.model_validate_json(sys.stdin.read())))
"""
LONG = 60


class Served:
    """A running service and its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict] = []
        self._queue: queue.Queue[dict | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._queue.put(json.loads(line) if line.startswith("{") else {"event": line})
        self._queue.put(None)

    def wait_for(self, event: str) -> dict:
        """The next log line with this event."""
        while True:
            line = self._queue.get(timeout=LONG)
            assert line is not None, f"the service ended before {event!r}: {self.lines}"
            self.lines.append(line)
            if line["event"] == event:
                return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(LONG)
        self._reader.join(LONG)
        return status


@contextmanager
def serving(settings) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    served = Served(process)
    try:
        process.stdin.write(json.dumps(settings))
        process.stdin.close()
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(LONG)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        served._reader.join(LONG)
        process.stderr.close()


@pytest.fixture
def two_workers(settings):
    settings["server"]["workers"] = 2
    settings["metrics"] = {"listen": "127.0.0.1:0"}
    settings["log"] = {"level": "info"}
    return settings


def worker_pids(served: Served) -> list[int]:
    """The processes of the workers now, by slot, as the log lines read so far tell."""
    started = [line for line in served.lines if line["event"] == "worker started"]
    return list({line["worker"]: line["pid"] for line in sorted(started, key=lambda line: line["worker"])}.values())


async def submit(address, events):
    """Sends a batch as a client would: again after UNAVAILABLE."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = rpc.RequestServiceStub(channel)
        for _ in range(100):
            try:
                return await stub.SubmitEvents(pb.SubmitEventsRequest(events=events), wait_for_ready=True, timeout=10)
            except grpc.aio.AioRpcError as error:
                if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}:
                    raise
                await asyncio.sleep(0.05)
    raise AssertionError


@on_every_store
async def test_a_worker_that_is_killed_is_replaced_and_its_work_done(two_workers, store, make_event, until):
    with serving(two_workers) as served:
        address = served.wait_for("listening")["address"]
        metrics = next(line["address"] for line in served.lines if line["event"] == "metrics")
        before = worker_pids(served)
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
        await asyncio.to_thread(served.wait_for, "worker ended, replaced")
        await asyncio.to_thread(served.wait_for, "worker started")
        reply = await submit(address, [make_event(n) for n in range(1, 51)])
        assert {result.code for result in reply.results} == {0}

        async def all_decided() -> bool:
            depth = await store.intake.depth("default")
            return depth.unread == 0 and depth.pending == 0

        await until(all_decided, LONG)
        logged = [entry.decision.id for entry in await store.log.read("default", count=1000)]
        assert sorted(logged) == sorted([f"B-{n}/1" for n in range(400)] + [f"R-{n}/1" for n in range(1, 51)])
        after = worker_pids(served)
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


async def test_a_frozen_worker_is_killed_and_replaced(two_workers, monkeypatch):
    program = PROGRAM.replace("sys.exit", "import answerby.server.supervisor as s; s.SILENT_SECONDS = 2.5; sys.exit")
    monkeypatch.setitem(globals(), "PROGRAM", program)
    with serving(two_workers) as served:
        served.wait_for("listening")
        frozen = worker_pids(served)[0]
        os.kill(frozen, signal.SIGSTOP)
        await asyncio.to_thread(served.wait_for, "worker silent, killed")
        await asyncio.to_thread(served.wait_for, "worker started")
        assert frozen not in worker_pids(served)
        assert served.stop() == 0


async def test_a_reload_reaches_every_worker(two_workers, rules, until):
    with serving(two_workers) as served:
        address = served.wait_for("listening")["address"]
        text = (rules / "priority.yaml").read_text("utf-8").replace("{priority: high}", "{priority: top}")
        (rules / "priority.yaml").write_text(text, "utf-8")
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rulebook_rpc.RulebookServiceStub(channel)
            reply = await stub.ReloadRulebook(rulebook_pb.ReloadRulebookRequest(), wait_for_ready=True)
        activated: set[int] = set()
        while len(activated) < 2:
            line = await asyncio.to_thread(served.wait_for, "rulebook activated")
            if line["revision"] == reply.rulebook.revision:
                activated.add(line["pid"])
        assert served.stop(signal.SIGINT) == 0


@pytest.fixture
def tcp_redis(tmp_path) -> Iterator[str]:
    """The URL of a redis-server that listens on a port, set as it comes: without its append-only file."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on this machine")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()


async def test_a_redis_of_ones_own_is_used_and_its_settings_are_judged(settings, tcp_redis, make_event, until):
    async def answers() -> bool:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(tcp_redis) as client:
            return bool(client.ping())
        return False

    await until(answers)
    settings["store"]["redis_url"] = tcp_redis
    settings["log"] = {"level": "info"}
    decided = []
    for _ in range(2):
        with serving(settings) as served:
            assert "appendonly is no" in served.wait_for("store setting")["warning"]
            address = served.wait_for("listening")["address"]
            decided.append((await submit(address, [make_event(1, when=datetime(2026, 3, 2, tzinfo=UTC))])).results[0])
            assert served.stop() == 0
    assert [result.duplicate for result in decided] == [False, True]
    assert decided[0].decision.number == decided[1].decision.number == "202603-DSK-001"


async def test_the_embedded_store_keeps_what_was_accepted(settings, make_event):
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = served.wait_for("listening")["address"]
        event = make_event(1)
        first = (await submit(address, [event])).results[0]
        assert not first.duplicate
        assert served.stop() == 0
    with serving(settings) as served:
        address = served.wait_for("listening")["address"]
        again = (await submit(address, [event])).results[0]
        assert again.duplicate
        assert again.decision.number == first.decision.number
        assert served.stop() == 0


async def test_the_embedded_store_is_restarted_when_it_dies(settings, make_event, tmp_path):
    settings["store"]["redis_url"] = None
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = served.wait_for("listening")["address"]
        first = (await submit(address, [make_event(1)])).results[0]
        with redis.Redis(unix_socket_path=str(Path(settings["store"]["data_folder"]) / "valkey.sock")) as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)
        await asyncio.to_thread(served.wait_for, "embedded store ended, restarted")
        for _ in range(100):
            result = (await submit(address, [make_event(2)])).results[0]
            if result.code == 0:
                break
            await asyncio.sleep(0.05)
        assert result.code == 0
        assert result.decision.number != first.decision.number
        assert served.stop() == 0


async def test_workers_end_when_the_supervisor_is_killed(two_workers, until):
    with serving(two_workers) as served:
        served.wait_for("listening")
        workers = worker_pids(served)
        assert len(workers) == 2
        served.process.kill()

        async def gone() -> bool:
            return not any(running(pid) for pid in workers)

        await until(gone, LONG)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # Nobody may be there to collect an orphan; what is left of it then is no process any more.
    return not (status.exists() and status.read_text("utf-8").rpartition(")")[2].split()[0] == "Z")


async def test_a_drain_finishes_what_was_begun(two_workers, make_event):
    with serving(two_workers) as served:
        address = served.wait_for("listening")["address"]
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
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], input=json.dumps(settings), capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert "cannot listen on 127.0.0.1" in done.stderr
