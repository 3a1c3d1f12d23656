"""The whole way over real processes: a ticket on a real help desk, a webhook, a decision, the ticket written back."""

import asyncio

import grpc
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from tests.kit.clients import insist
from tests.kit.patience import eventually
from tests.kit.places import RULES
from tests.kit.served import serving

pytestmark = pytest.mark.platform


@pytest.fixture
async def answerby(tmp_path, redis_url, desk, hook_port, hook_secret):
    """`answerby serve` with the shipped rules, connected to the help desk."""
    settings = {"url": desk.url, "token": desk.tokens["bot"], "webhook_secrets": [hook_secret]}
    connector = {
        "name": "desk",
        "type": "escalated",
        "sources": ["escalated/desk"],
        "effects": [],
        "settings": settings,
    }
    configured = {
        "server": {"listen": "127.0.0.1:0"},
        "http": {"listen": f"127.0.0.1:{hook_port}"},
        "metrics": {"listen": "127.0.0.1:0"},
        "store": {"redis_url": redis_url, "data_folder": str(tmp_path)},
        "rules": {"folder": str(RULES)},
        "connectors": [connector],
    }
    with serving(configured) as served:
        async with grpc.aio.insecure_channel(await asyncio.to_thread(served.address)) as channel:
            stub = rpc.RequestServiceStub(channel)
            await insist(stub.ListRequests, pb.ListRequestsRequest())
            yield stub
        assert await asyncio.to_thread(served.stop) == 0


async def test_a_ticket_is_decided_and_written_back_and_the_echo_is_no_event(answerby, desk):
    content = {"subject": "充电器冒烟起火", "description": "充电时突然起火，有人受伤，请马上处理。"}
    created = await desk.acall("POST", "tickets/create/", content, account="customer")
    reference = created["data"]["reference"]
    ticket = await written_back(desk, reference)

    notes = [reply["body"] for reply in ticket["replies"] if reply["is_internal_note"]]
    assert len(notes) == 1
    decided = await answerby.GetRequest(pb.GetRequestRequest(request_id=reference))
    assert decided.request.facts["priority"].string_value == "P0"
    assert decided.request.number in notes[0]

    # The webhooks of our own writes were sent before that of the agent's reply.
    await desk.acall("POST", f"tickets/{reference}/reply/", {"body": "我们已派人处理"}, account="agent")
    replied = await eventually(lambda: replies(answerby, reference), "the reply is decided")
    clocks = {clock.name: clock for clock in replied[0].clocks}
    assert clocks["first_response"].HasField("stop_time")
    assert not clocks["first_response"].breached
    # The desk also waits for the customer after a reply, and its webhooks come in any order.
    kinds = [decision.event_type for decision in replied if decision.event_type != "request.on_hold"]
    assert kinds == ["request.replied", "request.received"]


async def written_back(desk, reference):
    """The ticket once priority and note are there."""

    async def written():
        ticket = (await desk.acall("GET", f"tickets/{reference}/"))["data"]
        noted = any(reply["is_internal_note"] for reply in ticket["replies"])
        return ticket if ticket["priority"] == "critical" and noted else None

    return await eventually(written)


async def replies(stub, reference):
    """The decisions on the request, the latest first, once a reply is among them."""
    decisions = (await stub.GetRequest(pb.GetRequestRequest(request_id=reference))).decisions
    return decisions if any(decision.event_type == "request.replied" for decision in decisions) else None
