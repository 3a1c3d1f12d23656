"""Unary and batch rates of a real server against an echo RPC and an RPC of one Redis round trip, in the same run.

Beside each rate stands the processor time that the serving process spent on an item: on a machine whose cores are
shared with the load generator and the store, that is the figure which tells what a server does.
"""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc

from answerby.api.v1 import decision_service_pb2 as decision_pb
from answerby.api.v1 import decision_service_pb2_grpc as decision_grpc
from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as request_grpc
from answerby.api.v1 import resources_pb2
from answerby.store.embedded import EmbeddedValkey
from tests.kit.places import ROOT

CALLS = 3000
IN_FLIGHT = 32
BATCH = 100
ROUNDS = 3
BASELINES = ("echo", "one Redis round trip")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        valkey = EmbeddedValkey(Path(folder) / "data")
        valkey.start()
        try:
            measure(valkey.url)
        finally:
            valkey.stop()


def measure(url: str) -> None:
    baseline, server = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "REDIS_URL": url,
        "ANSWERBY_SERVER__LISTEN": server,
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
        "ANSWERBY_LOG__LEVEL": "error",
        "ANSWERBY_RULES__FOLDER": str(ROOT / "rules"),
    }
    commands = (
        [sys.executable, "-m", "tests.bench.baseline_server", baseline, url],
        [sys.executable, "-m", "answerby.cli.main", "serve"],
    )
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for command in commands]
    try:
        asyncio.run(compare(baseline, server, processes))
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


async def compare(baseline: str, server: str, processes: list[subprocess.Popen[bytes]]) -> None:
    async with grpc.aio.insecure_channel(baseline) as plain, grpc.aio.insecure_channel(server) as ours:
        await asyncio.gather(plain.channel_ready(), ours.channel_ready())
        echo = plain.unary_unary(
            "/bench.Baseline/Echo", pb.SubmitEventRequest.SerializeToString, pb.SubmitEventRequest.FromString
        )
        trip = plain.unary_unary(
            "/bench.Baseline/OneRoundTrip", pb.SubmitEventRequest.SerializeToString, pb.SubmitEventRequest.FromString
        )
        requests, decisions = request_grpc.RequestServiceStub(ours), decision_grpc.DecisionServiceStub(ours)
        await serving(lambda: decisions.Evaluate(decision_pb.EvaluateRequest(event=event(0)), wait_for_ready=True))
        kinds: dict[str, tuple[Callable[[int], Awaitable[object]], int]] = {
            "echo": (lambda n: echo(pb.SubmitEventRequest(event=event(n))), 1),
            "one Redis round trip": (lambda n: trip(pb.SubmitEventRequest(event=event(n))), 1),
            "Evaluate": (lambda n: decisions.Evaluate(decision_pb.EvaluateRequest(event=event(n))), 1),
            "SubmitEvent": (lambda n: requests.SubmitEvent(pb.SubmitEventRequest(event=event(n))), 1),
            f"EvaluateBatch of {BATCH}": (lambda n: decisions.EvaluateBatch(evaluate_batch(n)), BATCH),
            f"SubmitEvents of {BATCH}": (lambda n: requests.SubmitEvents(submit_batch(n)), BATCH),
        }
        workers = {True: [processes[0].pid], False: children(processes[1].pid)}
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        costs: dict[str, list[float]] = {name: [] for name in kinds}
        serial = 1
        for _ in range(ROUNDS):
            for name, (call, size) in kinds.items():
                count = CALLS if size == 1 else 60
                serving_it = workers[name in BASELINES]
                before = processor_seconds(serving_it)
                rates[name].append(await rate(call, serial, count, size))
                costs[name].append((processor_seconds(serving_it) - before) / (count * size) * 1e6)
                serial += count
        report(rates, costs)


async def serving(call: Callable[[], Awaitable[object]]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            await call()
        except grpc.aio.AioRpcError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def rate(call: Callable[[int], Awaitable[object]], first: int, count: int, size: int) -> float:
    """Items per second with IN_FLIGHT calls (4 for batches) in progress."""
    numbers = iter(range(first, first + count))

    async def worker() -> None:
        for number in numbers:
            await call(number)

    begin = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT if size == 1 else 4)))
    return count * size / (time.perf_counter() - begin)


def children(pid: int) -> list[int]:
    """The processes that a process started: the workers of a server (Linux)."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def processor_seconds(pids: list[int]) -> float:
    """User and system time spent so far by all threads of the processes (Linux)."""
    ticks = 0
    for pid in pids:
        # The name of the process may hold blanks, so fields are counted after its closing bracket.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def report(rates: dict[str, list[float]], costs: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(values) for name, values in rates.items()}
    head = ("call", "items/s", "of echo", "of one round trip", "server CPU us/item")
    print("{:>24} {:>9} {:>8} {:>18} {:>19}".format(*head), f"  (medians of {ROUNDS})")
    for name, value in medians.items():
        of_echo, of_trip = value / medians["echo"], value / medians["one Redis round trip"]
        print(f"{name:>24} {value:9.0f} {of_echo:8.2f} {of_trip:18.2f} {statistics.median(costs[name]):19.0f}")
    print(f"batch / unary, submit: {medians[f'SubmitEvents of {BATCH}'] / medians['SubmitEvent']:.1f}x")


def event(number: int) -> resources_pb2.Event:
    message = resources_pb2.Event(id=f"e{number}", source="bench", type="request.received", request_id=f"r{number}")
    message.time.GetCurrentTime()
    for name, text in {
        "channel": "phone",
        "text.subject": "设备无法启动 device does not start",
        "text.body": "今天早上设备突然停机，客户非常着急，请尽快处理。The machine stopped this morning.",
        "customer.tier": "vip",
        "customer.id": f"c{number % 500}",
    }.items():
        message.facts[name].string_value = text
    return message


def submit_batch(number: int) -> pb.SubmitEventsRequest:
    return pb.SubmitEventsRequest(events=[event(number * BATCH + n + 10_000_000) for n in range(BATCH)], brief=True)


def evaluate_batch(number: int) -> decision_pb.EvaluateBatchRequest:
    return decision_pb.EvaluateBatchRequest(events=[event(number * BATCH + n) for n in range(BATCH)], brief=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
