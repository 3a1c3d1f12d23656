"""Reloads under load: what they cost, whether any decision mixes two revisions, and what they delay.

RELOADS=10000 for the long run. Requests arrive at a steady pace, whether or not earlier ones were answered, so that a
pause of the server shows in the latency of every request that falls into it. The same pace without reloads, before and
after, tells what the machine itself does. The store is told not to rewrite its log meanwhile: that stops it once for some
100 ms per 600 MB, whether or not rules are reloaded, and would be taken for a reload's doing.
"""

import asyncio
import gc
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from redis import Redis

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as request_grpc
from answerby.api.v1 import resources_pb2
from answerby.api.v1 import rulebook_service_pb2 as rulebook_pb
from answerby.api.v1 import rulebook_service_pb2_grpc as rulebook_grpc
from tests.bench.generated_rules import VALUES, WORDS, write_rules
from tests.bench.measure import resident_megabytes_of
from tests.bench.rpc_bench import ROOT, children, free_port, serving

RELOADS = int(os.environ.get("RELOADS", "300"))
RULES = int(os.environ.get("RULES", "100"))
LARGE = 1000
LARGE_RELOADS = 20
PACE = float(os.environ.get("PACE", "100"))
"""Requests per second."""
QUIET_SECONDS = 15.0
LATE = 0.050
MARKS = ("aa", "bb")
TEST = """
now: "2026-03-02T09:00:00+08:00"
cases:
  - {name: a request is open, given: {colour: red, text.subject: invoice}, expect: {status: open}}
"""


def main() -> None:
    gc.disable()  # a pause of this process would look like one of the server
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for mark in MARKS:
            write_marked(folder / mark, mark)
        write_rules(folder / "large-1", LARGE, seed=1)
        write_rules(folder / "large-2", LARGE, seed=2)
        with server(folder) as (address, process):
            asyncio.run(measure(address, process, folder))


def write_marked(folder: Path, mark: str) -> None:
    """Rules whose every id, in every stage, ends with the mark."""
    write_rules(folder, RULES)
    for path in folder.glob("*.yaml"):
        text = path.read_text("utf-8")
        for name in ("text-", "route-", "response-"):
            text = text.replace(f"id: {name}", f"id: {mark}-{name}")
        path.write_text(text.replace("id: matrix", f"id: {mark}-matrix"), "utf-8")


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "ANSWERBY_SERVER__LISTEN": address,
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
        "ANSWERBY_LOG__LEVEL": "error",
        "ANSWERBY_RULES__FOLDER": str(folder / MARKS[0]),
        "ANSWERBY_RULES__WATCH": "false",
        "ANSWERBY_STORE__DATA_FOLDER": str(folder / "data"),
    }
    process = subprocess.Popen([sys.executable, "-m", "answerby.cli.main", "serve"], cwd=ROOT, env=environment)
    try:
        yield address, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


class Load:
    """Requests at a steady pace, and what became of them."""

    def __init__(self, requests: request_grpc.RequestServiceStub) -> None:
        self._requests = requests
        self._number = 0
        self.revisions: dict[str, str] = {}
        self.mixed = 0
        self.decided: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> list[float]:
        """Seconds from when each request was due to be sent until its answer."""
        latencies: list[float] = []
        calls: set[asyncio.Task[None]] = set()
        begun = time.perf_counter()
        count = 0
        while not stop.is_set():
            due = begun + count / PACE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            count += 1
            self._number += 1
            call = asyncio.create_task(self._call(self._number, due, latencies))
            calls.add(call)
            call.add_done_callback(calls.discard)
        await asyncio.gather(*calls)
        return latencies

    async def _call(self, number: int, due: float, latencies: list[float]) -> None:
        reply = await self._requests.SubmitEvent(pb.SubmitEventRequest(event=event(number)))
        latencies.append(time.perf_counter() - due)
        decision = reply.decision
        named = {rule.id.partition("-")[0] for stage in decision.explanation for rule in stage.won}
        if decision.revision in self.revisions:
            self.mixed += named != {self.revisions[decision.revision]}
        self.decided[decision.revision] = self.decided.get(decision.revision, 0) + 1


async def measure(address: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        requests = request_grpc.RequestServiceStub(channel)
        rulebooks = rulebook_grpc.RulebookServiceStub(channel)
        await serving(lambda: rulebooks.GetRulebook(rulebook_pb.GetRulebookRequest(), wait_for_ready=True))
        keep_log(folder / "data")
        load = Load(requests)
        names = []
        for mark in MARKS:
            reply = await upload(rulebooks, folder / mark, test=True)
            load.revisions[reply.revision] = mark
            names.append(reply.revision)
        await quiet(load, 5.0)
        worker = worker_of(process.pid)
        before = await quiet(load, QUIET_SECONDS)
        memory = resident_megabytes_of(worker)
        during, seconds = await reloading(load, rulebooks, names)
        grown = resident_megabytes_of(worker) - memory
        after = await quiet(load, QUIET_SECONDS)
        show("before", before)
        show("reloads", during)
        show("after", after)
        print(f"{RELOADS} reloads of {RULES} rules, each checked, tested, compiled, warmed and swapped under load:")
        print(f"  {statistics.median(seconds) * 1e3:.0f} ms each (median), {max(seconds) * 1e3:.0f} ms the longest")
        print(f"  {sum(load.decided.values())} decisions, {load.mixed} of mixed revisions; by revision {load.decided}")
        extra = (max(during) - max(*before, *after)) * 1e3
        print(f"  worst latency with reloads minus worst without: {extra:+.1f} ms; worker grew by {grown:.1f} MB")
        await large(rulebooks, folder, load)


def keep_log(data: Path) -> None:
    """The embedded store does not rewrite its log from here on."""
    with Redis(unix_socket_path=(data / "socket").read_text("utf-8").strip()) as store:
        store.config_set("auto-aof-rewrite-percentage", 0)


def worker_of(server: int) -> int:
    """The process that decides; the store is a child of the server, too (Linux)."""
    return next(
        pid for pid in children(server) if b"answerby.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


async def reloading(
    load: Load, rulebooks: rulebook_grpc.RulebookServiceStub, names: list[str]
) -> tuple[list[float], list[float]]:
    stop = asyncio.Event()
    running = asyncio.create_task(load.run(stop))
    seconds = []
    for turn in range(RELOADS):
        begun = time.perf_counter()
        reply = await rulebooks.ActivateRevision(rulebook_pb.ActivateRevisionRequest(revision=names[turn % 2]))
        seconds.append(time.perf_counter() - begun)
        if not reply.changed:
            raise RuntimeError("a reload changed nothing")
    stop.set()
    return await running, seconds


async def quiet(load: Load, seconds: float) -> list[float]:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    return await load.run(stop)


async def large(rulebooks: rulebook_grpc.RulebookServiceStub, folder: Path, load: Load) -> None:
    """A reload of 1,000 rules, from the call to the decision by them, with and without requests beside it."""
    for beside in (False, True):
        stop = asyncio.Event()
        running = asyncio.create_task(load.run(stop)) if beside else None
        seconds = []
        for turn in range(LARGE_RELOADS):
            begun = time.perf_counter()
            reply = await upload(rulebooks, folder / f"large-{turn % 2 + 1}", test=False)
            seconds.append(time.perf_counter() - begun)
            if not reply.changed:
                raise RuntimeError("a reload changed nothing")
        stop.set()
        if running is not None:
            show("large", await running)
        how = "with requests beside it" if beside else "alone"
        print(f"reload of {LARGE} rules, {how}: {statistics.median(seconds) * 1e3:.0f} ms (median of {len(seconds)})")


async def upload(
    rulebooks: rulebook_grpc.RulebookServiceStub, folder: Path, *, test: bool
) -> rulebook_pb.UploadRevisionResponse:
    files = [rulebook_pb.RulebookFile(path=path.name, content=path.read_bytes()) for path in folder.glob("*.yaml")]
    if test:
        files.append(rulebook_pb.RulebookFile(path="owner_test.yaml", content=TEST.encode()))
    return await rulebooks.UploadRevision(rulebook_pb.UploadRevisionRequest(files=files))


def show(name: str, latencies: list[float]) -> None:
    ordered = sorted(latencies)
    parts = [ordered[int(len(ordered) * share)] * 1e3 for share in (0.5, 0.99, 0.999)]
    late = sum(latency > LATE for latency in ordered)
    print(
        f"{name:>8}: {len(ordered):7} requests, p50 {parts[0]:5.1f} ms, p99 {parts[1]:5.1f}, p99.9 {parts[2]:5.1f}, "
        f"p100 {ordered[-1] * 1e3:5.1f} ms; {late} took more than {LATE * 1e3:.0f} ms"
    )


def event(number: int) -> resources_pb2.Event:
    message = resources_pb2.Event(id=f"e{number}", source="bench", type="request.received", request_id=f"r{number}")
    message.time.GetCurrentTime()
    message.facts["text.subject"].string_value = WORDS[number % len(WORDS)]
    message.facts["colour"].string_value = VALUES[number % len(VALUES)]
    message.facts["shape"].string_value = VALUES[number // 7 % len(VALUES)]
    message.facts["size"].int_value = number % 1000
    message.facts["weight"].int_value = number % 100
    return message
