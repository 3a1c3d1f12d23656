"""kill -9 of workers under load: nothing accepted is lost, no effect is doubled, every sequence is whole."""

import asyncio
import json
import os
import random
import signal
from collections import Counter

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import resources_pb2
from tests.kit.clients import insist
from tests.kit.needs import on_every_store
from tests.kit.patience import eventually
from tests.kit.processes import workers_of
from tests.kit.rulebooks import OFFICE, write
from tests.kit.served import serving

STEPS = ("request.received", "request.updated", "request.blocked", "request.replied")
EVERY_KIND = ["notify", "create_task", "open_case"]


@on_every_store
@pytest.mark.parametrize(
    ("kills", "requests"),
    [(4, 60), pytest.param(200, 1500, marks=pytest.mark.deep)],
)
async def test_workers_killed_at_random(tmp_path, redis_url, kills, requests):
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    delivered = tmp_path / "delivered.jsonl"
    with serving(settings(tmp_path, redis_url, delivered)) as server:
        async with grpc.aio.insecure_channel(server.address()) as channel:
            stub = rpc.RequestServiceStub(channel)
            await serves(stub)
            await asyncio.gather(
                killer(server, chance, kills), *(client(stub, number, requests // 10) for number in range(10))
            )
            decisions = [await decisions_of(stub, f"R-{c}-{n}") for c in range(10) for n in range(requests // 10)]
        wanted = await all_delivered(decisions, delivered)
        assert server.stop() == 0
    for ours in decisions:
        assert [d.sequence for d in ours] == [1, 2, 3, 4]
        assert [d.event_type for d in ours] == list(STEPS)
    found = Counter(json.loads(line)["effect_id"] for line in delivered.read_bytes().splitlines())
    assert [name for name, times in found.items() if times > 1] == []
    assert wanted - effects_in(delivered) == Counter()


def settings(folder, redis_url, delivered):
    """Of a service with two workers over the store, all effects to a file."""
    connector = {"name": "file", "type": "file", "sources": ["*"], "effects": EVERY_KIND}
    connector["settings"] = {"path": str(delivered), "fsync": False}
    return {
        "server": {"listen": "127.0.0.1:0", "workers": 2},
        "store": {"redis_url": redis_url, "data_folder": str(folder / "data")},
        "rules": {"folder": str(write(folder / "rules", OFFICE))},
        "metrics": {"listen": "127.0.0.1:0"},
        "log": {"level": "info"},
        "connectors": [connector],
    }


async def serves(stub):
    """A server whose workers die before any has started gives up, as it should."""
    await insist(stub.ListRequests, pb.ListRequestsRequest())


async def killer(server, chance, kills):
    """Kills one worker after another, each at a random moment; waits for the replacement."""
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        victims = await eventually(lambda: both(server), "the workers are replaced")
        os.kill(chance.choice(victims), signal.SIGKILL)


def both(server):
    workers = workers_of(server.process.pid)
    return workers if len(workers) == 2 else None


async def client(stub, number, requests):
    """Sends the events of its requests one after the other, each until it was accepted."""
    for serial in range(requests):
        for step, type_ in enumerate(STEPS):
            message = pb.SubmitEventRequest(event=event(f"R-{number}-{serial}", step, type_))
            await insist(stub.SubmitEvent, message)


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
    reply = await insist(stub.GetRequest, pb.GetRequestRequest(request_id=request_id, decision_limit=200))
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
    await eventually(lambda: not wanted - effects_in(delivered), "every effect is delivered")
    return wanted


def effects_in(delivered):
    if not delivered.exists():
        return Counter()
    lines = [json.loads(line) for line in delivered.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return Counter((line["request_id"], line["kind"], line["key"]) for line in lines)
