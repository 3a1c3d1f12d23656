"""kill -9 of workers under load: nothing accepted is lost, no effect is doubled, every sequence is whole."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import resources_pb2
from tests.kit.needs import on_every_store
from tests.kit.places import ROOT
from tests.unit.engine import small_rules

STEPS = ("request.received", "request.updated", "request.blocked", "request.replied")
RETRIED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
EVERY_KIND = ["notify", "create_task", "open_case"]


@on_every_store
@pytest.mark.parametrize(
    ("kills", "requests"),
    [(4, 60), pytest.param(200, 1500, marks=[pytest.mark.deep, pytest.mark.timeout(3000)])],
)
async def test_workers_killed_at_random(tmp_path, redis_url, kills, requests):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    delivered = tmp_path / "delivered.jsonl"
    with serving(tmp_path, redis_url, delivered) as (server, address):
        async with grpc.aio.insecure_channel(address) as channel:
            stub = rpc.RequestServiceStub(channel)
            await asyncio.gather(
                killer(server, chance, kills), *(client(stub, number, requests // 10) for number in range(10))
            )
            decisions = [await decisions_of(stub, f"R-{c}-{n}") for c in range(10) for n in range(requests // 10)]
        wanted = await all_delivered(decisions, delivered)
    for ours in decisions:
        assert [d.sequence for d in ours] == [1, 2, 3, 4]
        assert [d.event_type for d in ours] == list(STEPS)
    found = Counter(json.loads(line)["effect_id"] for line in delivered.read_bytes().splitlines())
    assert [name for name, times in found.items() if times > 1] == []
    assert wanted - effects_in(delivered) == Counter()


class serving:  # noqa: N801 - used as a context manager function
    """`answerby serve` with two workers over the store, all effects to a file."""

    def __init__(self, folder, redis_url, delivered):
        rules = folder / "rules"
        rules.mkdir()
        small_rules.write(rules)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        connector = {"name": "file", "type": "file", "sources": ["*"], "effects": EVERY_KIND}
        connector["settings"] = {"path": str(delivered), "fsync": False}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSWERBY_")},
            "REDIS_URL": redis_url,
            "ANSWERBY_SERVER__LISTEN": self.address,
            "ANSWERBY_SERVER__WORKERS": "2",
            "ANSWERBY_STORE__DATA_FOLDER": str(folder / "data"),
            "ANSWERBY_RULES__FOLDER": str(rules),
            "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
            "ANSWERBY_LOG__LEVEL": "error",
            "ANSWERBY_CONNECTORS": json.dumps([connector]),
        }

    def __enter__(self):
        command = [sys.executable, "-m", "answerby.cli.main", "serve"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment)
        return self.process, self.address

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(60) == 0


async def killer(server, chance, kills):
    """Kills one worker after another, each at a random moment; waits for the replacement."""
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        victims = await two_workers(server)
        os.kill(chance.choice(victims), signal.SIGKILL)


async def two_workers(server):
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    deadline = time.monotonic() + 60
    while True:
        pids = [int(pid) for pid in children.read_text(encoding="ascii").split() if is_worker(pid)]
        if len(pids) == 2:
            return pids
        assert time.monotonic() < deadline, "the workers were not replaced"
        await asyncio.sleep(0.05)


def is_worker(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
    return "State:\tZ" not in status and b"worker" in command


async def client(stub, number, requests):
    """Sends the events of its requests one after the other, each until it was accepted."""
    for serial in range(requests):
        for step, type_ in enumerate(STEPS):
            await insist(stub, event(f"R-{number}-{serial}", step, type_))


async def insist(stub, message):
    deadline = time.monotonic() + 120
    while True:
        try:
            return await stub.SubmitEvent(pb.SubmitEventRequest(event=message), timeout=10)
        except grpc.aio.AioRpcError as error:
            if error.code() not in RETRIED or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


def event(request_id, step, type_):
    message = resources_pb2.Event(id=f"{request_id}/{step}", source="crm", type=type_, request_id=request_id)
    message.time.FromSeconds(1772416800 + step)  # Monday 2026-03-02 10:00 in Shanghai
    message.actor = resources_pb2.ACTOR_AGENT
    if step == 0:
        message.facts["text.body"].string_value = "设备起火了"
    if step == 1:
        message.facts["customer.tier"].string_value = "vip"
    return message


async def decisions_of(stub, request_id):
    reply = await stub.GetRequest(pb.GetRequestRequest(request_id=request_id, decision_limit=200))
    own = [d for d in reply.decisions if d.event_source == "crm"]
    assert len({d.sequence for d in reply.decisions}) == len(reply.decisions)
    return [pb_with_own_sequence(d, n) for n, d in enumerate(reversed(own), 1)]


def pb_with_own_sequence(decision, number):
    """Timers decide in between; what counts is that our own events come in order and once each."""
    decision.sequence = number
    return decision


async def all_delivered(decisions, delivered):
    """Waits until each effect that nothing superseded is in the file; returns them."""
    wanted = Counter()
    for ours in decisions:
        for decision in ours:
            for effect in decision.effects:
                if effect.kind != "update_request":
                    wanted[(decision.request_id, effect.kind, effect.key)] += 1
    deadline = time.monotonic() + 120
    while wanted - effects_in(delivered) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return wanted


def effects_in(delivered):
    if not delivered.exists():
        return Counter()
    lines = [json.loads(line) for line in delivered.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return Counter((line["request_id"], line["kind"], line["key"]) for line in lines)
