"""The whole way over real processes: a ticket on a real help desk, a webhook, a decision, the ticket written back."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from tests.kit.places import ROOT

pytestmark = pytest.mark.platform
BAR_SECONDS = 2.0


@pytest.fixture
async def answerby(tmp_path, redis_url, desk, hook_port, hook_secret):
    """`answerby serve` with the shipped rules, connected to the help desk."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = {"url": desk.url, "token": desk.tokens["bot"], "webhook_secrets": [hook_secret]}
    connector = {
        "name": "desk",
        "type": "escalated",
        "sources": ["escalated/desk"],
        "effects": [],
        "settings": settings,
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSWERBY_")},
        "REDIS_URL": redis_url,
        "ANSWERBY_SERVER__LISTEN": address,
        "ANSWERBY_HTTP__LISTEN": f"127.0.0.1:{hook_port}",
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
        "ANSWERBY_RULES__FOLDER": str(ROOT / "rules"),
        "ANSWERBY_STORE__DATA_FOLDER": str(tmp_path),
        "ANSWERBY_CONNECTORS": json.dumps([connector]),
    }
    with (tmp_path / "answerby.log").open("wb") as log:
        command = [sys.executable, "-m", "answerby.cli.main", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                await asyncio.wait_for(channel.channel_ready(), 60)
                stub = rpc.RequestServiceStub(channel)
                await stub.ListRequests(pb.ListRequestsRequest(), wait_for_ready=True)
                yield stub
        finally:
            process.terminate()
            assert process.wait(60) == 0


async def test_a_ticket_is_decided_and_written_back_and_the_echo_is_no_event(answerby, desk):
    content = {"subject": "充电器冒烟起火", "description": "充电时突然起火，有人受伤，请马上处理。"}
    begin = time.monotonic()
    created = await desk.acall("POST", "tickets/create/", content, account="customer")
    reference = created["data"]["reference"]
    ticket = await written_back(desk, reference, begin)

    assert ticket["priority"] == "critical"
    notes = [reply["body"] for reply in ticket["replies"] if reply["is_internal_note"]]
    assert len(notes) == 1
    decided = await answerby.GetRequest(pb.GetRequestRequest(request_id=reference))
    assert decided.request.facts["priority"].string_value == "P0"
    assert decided.request.number in notes[0]

    await settled(answerby, reference)
    events = [d.event_type for d in (await answerby.GetRequest(pb.GetRequestRequest(request_id=reference))).decisions]
    assert events == ["request.received"]

    await desk.acall("POST", f"tickets/{reference}/reply/", {"body": "我们已派人处理"}, account="agent")
    replied = await until_decided(answerby, reference, "request.replied")
    clocks = {clock.name: clock for clock in replied.clocks}
    assert clocks["first_response"].HasField("stop_time")
    assert not clocks["first_response"].breached


async def written_back(desk, reference, begin):
    """The ticket once priority and note are there; both within the bar."""
    while True:
        ticket = (await desk.acall("GET", f"tickets/{reference}/"))["data"]
        seconds = time.monotonic() - begin
        if ticket["priority"] == "critical" and any(reply["is_internal_note"] for reply in ticket["replies"]):
            print(f"written back after {seconds:.2f} s (bar: {BAR_SECONDS} s)")
            return ticket
        assert seconds < 60, "the ticket was not written back"
        await asyncio.sleep(0.05)


async def settled(stub, reference):
    """Our own writes have come back as webhooks by the time a later event of ours is decided; so send one."""
    reply = await stub.GetRequest(pb.GetRequestRequest(request_id=reference))
    last = None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        count = reply.request.decision_count
        if count == last:
            return
        last = count
        await asyncio.sleep(1.0)
        reply = await stub.GetRequest(pb.GetRequestRequest(request_id=reference))


async def until_decided(stub, reference, type_):
    deadline = time.monotonic() + 20
    while True:
        for decision in (await stub.GetRequest(pb.GetRequestRequest(request_id=reference))).decisions:
            if decision.event_type == type_:
                return decision
        assert time.monotonic() < deadline, f"no {type_} was decided"
        await asyncio.sleep(0.05)
