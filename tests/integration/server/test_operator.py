"""The operator's hand on the connectors of a running service: commands on a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from answerby.domain.event import Event
from answerby.server.flow.arrivals import arrival
from tests.integration.server.test_connectors import entry, lines
from tests.kit.clients import submit
from tests.kit.commands import invoke
from tests.kit.http_server import Answer, Server
from tests.kit.patience import eventually
from tests.kit.served import serving

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Server]:
    """A receiver of webhooks."""
    server = Server()
    await server.start()
    yield server
    await server.stop()


async def ask(address: str, *arguments: object) -> tuple[int, str]:
    """Exit status and output of a command."""
    result = await asyncio.to_thread(invoke, *arguments, "--target", address)
    return result.exit_code, result.output


async def asked(address: str, *arguments: object) -> list[dict[str, Any]]:
    """The lines of JSON that a command prints."""
    status, output = await ask(address, *arguments, "--json")
    assert status == 0, output
    return [json.loads(line) for line in output.splitlines()]


async def states(address: str) -> dict[str, str]:
    listed = await asked(address, "connector", "list")
    return {one["name"]: one["state"].removeprefix("CONNECTOR_STATE_").lower() for one in listed}


async def health(address: str, service: str) -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            return int((await health_pb2_grpc.HealthStub(channel).Check(request)).status)
        except grpc.aio.AioRpcError as error:
            # A worker that has just begun to listen knows no details yet.
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            return int(health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)


async def metrics(address: str) -> str:
    async with httpx2.AsyncClient() as client:
        return (await client.get(f"http://{address}/metrics")).text


async def test_a_paused_connector_queues_in_every_worker_and_after_a_restart_until_it_is_resumed(
    settings, store, make_event, tmp_path
):
    out = tmp_path / "out.jsonl"
    settings["connectors"] = [entry("out", settings={"path": str(out)})]
    settings["server"]["workers"] = 2
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        (paused,) = await asked(address, "connector", "pause", "out", "--reason", "the CRM is moved")
        assert (paused["state"], paused["detail"], paused["paused_by"]) == (
            "CONNECTOR_STATE_PAUSED",
            "the CRM is moved",
            "(local)",
        )
        await submit(address, [make_event(n) for n in range(1, 9)])
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        await submit(address, [make_event(n) for n in range(9, 11)])
        (shown,) = await asked(address, "connector", "list")
        assert (shown["state"], shown["waiting"]) == ("CONNECTOR_STATE_PAUSED", "10")
        assert lines(out) == []
        status, output = await ask(address, "connector", "resume", "out")
        assert (status, output.splitlines()[0]) == (0, "out: working")

        async def delivered() -> bool:
            return len(lines(out)) == 10

        await eventually(delivered)
        assert {line["request_id"] for line in lines(out)} == {f"R-{n}" for n in range(1, 11)}


async def test_the_states_are_listed_and_shown_by_health_and_metrics(settings, store, make_event, tmp_path):
    out = tmp_path / "out.jsonl"
    gone = entry("gone", enabled="paused", settings={"path": str(out)})
    settings["connectors"] = [gone]
    settings["log"] = {"level": "info"}
    settings["metrics"] = {"listen": "127.0.0.1:0"}
    with serving(settings) as served:
        await submit(await asyncio.to_thread(served.address), [make_event()])
    settings["connectors"] = [
        entry("good", settings={"path": str(out)}),
        entry("bad", settings={"path": str(out), "colour": "red"}),
        entry("off", enabled="off", settings={"path": str(out)}),
        entry("rests", enabled="paused", settings={"path": str(out)}),
    ]
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        removed = await asyncio.to_thread(served.line, "connector removed")
        assert (removed["connector"], removed["count"]) == ("gone", 1)
        assert await states(address) == {
            "bad": "disabled",
            "gone": "removed",
            "good": "working",
            "off": "off",
            "rests": "paused",
        }
        status, output = await ask(address, "connector", "list")
        assert status == 0
        assert "effects are neither delivered nor queued" in " ".join(output.split())
        status, output = await ask(address, "connector", "show", "bad")
        assert status == 0
        assert "colour: unknown key" in output
        status, output = await ask(address, "connector", "resume", "rests")
        assert status == 1
        assert "The configuration pauses the connector" in output

        good, bad = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
        wanted = {
            "answerby.connectors": bad,
            "answerby.connectors.bad": bad,
            "answerby.connectors.good": good,
            "": good,
        }

        async def shown() -> bool:
            return {name: await health(address, name) for name in wanted} == wanted

        await eventually(shown)
        where = next(line["address"] for line in served.lines if line["event"] == "metrics")
        text = await metrics(where)
        assert 'answerby_connector_state{connector="bad",state="disabled"} 1.0' in text
        assert 'answerby_connector_state{connector="gone",state="removed"} 1.0' in text
        assert 'answerby_connector_queue_depth{connector="gone"} 1.0' in text


async def test_a_receiver_that_refuses_the_secret_holds_its_queue_and_a_new_secret_in_its_file_lets_it_go_on(
    settings, store, make_event, receiver, tmp_path
):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    other = "whsec_" + base64.b64encode(b"t" * 24).decode()
    first = [""]

    def judge(call) -> Answer:
        first[0] = first[0] or call.headers["webhook-signature"]
        return Answer(202) if accepting[0] else Answer(401)

    accepting = [False]
    receiver.handler = judge
    hook = {"url": receiver.url + "/in", "secrets_file": [str(secret)], "allow_private": True}
    settings["connectors"] = [entry("hook", type="webhook", settings=hook)]
    settings["server"]["workers"] = 2
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        await submit(address, [make_event(n) for n in range(1, 31)])
        held = await asyncio.to_thread(served.line, "connector held")
        assert held["level"] == "error"
        assert held["reason"].startswith("HTTP 401: the receiver does not accept the secret")

        async def shown() -> bool:
            return await health(address, "answerby.connectors.hook") == health_pb2.HealthCheckResponse.NOT_SERVING

        await eventually(shown)
        (connector,) = await asked(address, "connector", "list")
        assert (connector["state"], connector["waiting"]) == ("CONNECTOR_STATE_HELD", "30")
        assert len(receiver.calls) <= 16, "what two workers had under way, eight each"
        assert await asked(address, "dead", "list") == []

        accepting[0] = True
        secret.write_text(other)

        async def delivered() -> bool:
            return (await store.outbox.depths("default"))[0].waiting == 0

        await eventually(delivered)
        assert await asked(address, "dead", "list") == []
        assert await states(address) == {"hook": "working"}
        traced = (await asked(address, "trace", "R-1"))[0]["attempts"]
        assert traced[-1]["outcome"] == "done"


async def test_dead_letters_are_listed_replayed_unless_superseded_and_discarded(settings, store, make_event, receiver):
    """Decision 1 and 2 both fail for good. Decision 1 would overwrite what decision 2 wants, so it stays dead."""
    receiver.handler = lambda _: Answer(404)
    hook = {"url": receiver.url + "/in", "secrets": [SECRET], "allow_private": True}
    settings["connectors"] = [entry("hook", type="webhook", settings=hook)]
    settings["log"] = {"level": "info"}
    settings["metrics"] = {"listen": "127.0.0.1:0"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        await submit(address, [make_event()])

        async def died(count: int) -> bool:
            return len(await store.outbox.dead("default")) == count

        await eventually(lambda: died(1))
        event = make_event(2, request_id="R-1", type="request.updated", facts={"text.body": "I complain"})
        await submit(address, [event])
        await eventually(lambda: died(2))
        older, newer = await asked(address, "dead", "list", "--connector", "hook", "--way", "out")
        assert [(letter["sequence"], letter["reason"]) for letter in (older, newer)] == [
            ("1", "HTTP 404"),
            ("2", "HTTP 404"),
        ]
        where = next(line["address"] for line in served.lines if line["event"] == "metrics")
        assert 'answerby_dead_letters_total{kind="effect"} 2.0' in await metrics(where)

        (shown,) = await asked(address, "dead", "show", newer["id"])
        assert json.loads(base64.b64decode(shown["content"]))["decision_sequence"] == 2
        status, output = await ask(address, "dead", "list", "--zone", "Asia/Shanghai")
        assert (status, output.count(" +0800"), output.count("HTTP 404")) == (0, 2, 2)
        status, output = await ask(address, "dead", "export")
        assert [json.loads(line)["id"] for line in output.splitlines()] == [older["id"], newer["id"]]

        receiver.handler = lambda _: Answer(202)
        receiver.calls.clear()
        status, output = await ask(address, "dead", "replay", older["id"], newer["id"], "out-1-0")
        assert status == 1
        assert "decision 2 of the request replaced this effect of decision 1; discard the dead letter" in output
        assert "DEAD_LETTER_NOT_FOUND" in output or "no dead letter with this id" in output
        assert "1 replayed, 2 refused" in output.splitlines()

        async def delivered() -> bool:
            return len(receiver.calls) == 1

        await eventually(delivered)
        assert receiver.calls[0].json["data"]["sequence"] == 2
        assert receiver.calls[0].json["data"]["payload"]["priority"] == "high"
        assert await ask(address, "dead", "discard", older["id"]) == (0, "1 discarded, 0 refused\n")
        assert await asked(address, "dead", "list") == []

        async def traced() -> bool:
            attempts = (await asked(address, "trace", "R-1"))[0]["attempts"]
            return [(one["sequence"], one["outcome"]) for one in attempts] == [
                ("1", "dead"),
                ("2", "dead"),
                ("2", "done"),
            ]

        await eventually(traced)
        status, output = await ask(address, "trace", "R-1", "--zone", "Asia/Shanghai")
        assert (status, output.count(" +0800")) == (0, 3), output
        assert "update_request" in output


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (("dead", "list"), "nothing was given up\n"),
        (("connector", "check", "out"), "The connector has no check of its platform"),
    ],
    ids=["dead", "check"],
)
async def test_a_command_waits_for_a_server_that_is_away(settings, command, printed):
    """Something else hangs up on its first call. Then the server begins."""
    settings["connectors"] = [entry("out", settings={"path": settings["store"]["data_folder"] + "/effects.jsonl"})]
    with socket.create_server(("127.0.0.1", 0)) as busy:
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        asking = asyncio.ensure_future(ask(address, *command))
        call, _ = await asyncio.to_thread(busy.accept)
        call.close()
    settings["server"]["listen"] = address
    with serving(settings):
        assert printed in (await asking)[1]


async def test_an_event_that_was_given_up_comes_back_by_a_replay(settings, store, make_event):
    """It was stored by a connector that the configuration no longer has."""
    event = Event(source="desk", id="w-1", type="request.received", time=datetime.now(UTC), request_id="R-7")
    settings["log"] = {"level": "info"}
    await store.intake.open("default")
    await store.intake.enqueue("default", [arrival(event, "default", "desk")])
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)

        async def died() -> bool:
            return len(await store.intake.dead("default")) == 1

        await eventually(died)
        (letter,) = await asked(address, "dead", "list", "--way", "in")
        assert (letter["connector"], letter["request_id"], letter["key"]) == ("desk", "R-7", "w-1")
        assert await ask(address, "dead", "replay", letter["id"]) == (0, "1 replayed, 0 refused\n")
        await eventually(died)
        (again,) = await asked(address, "dead", "list")
        assert again["id"] != letter["id"]


async def test_only_an_operator_of_the_tenant_may(settings, store, tmp_path):
    settings["server"]["tokens"] = {
        "reader-reader-reader": {"tenant": "acme", "name": "rita"},
        "operator-operator-1": {"tenant": "acme", "name": "olga", "roles": ["operator"]},
        "operator-operator-2": {"tenant": "beta", "name": "boris", "roles": ["operator"]},
    }
    settings["connectors"] = [entry("out", tenant="acme", settings={"path": str(tmp_path / "out")})]
    settings["log"] = {"level": "info"}
    with serving(settings) as served:
        address = await asyncio.to_thread(served.address)
        status, output = await ask(address, "connector", "list", "--token", "reader-reader-reader")
        assert status == 1
        assert "needs the role operator" in output
        assert len(await asked(address, "connector", "list", "--token", "operator-operator-1")) == 1
        assert await ask(address, "connector", "list", "--token", "operator-operator-2") == (
            0,
            "no connector is configured\n",
        )
        status, output = await ask(address, "connector", "pause", "out", "--token", "operator-operator-2")
        assert status == 1
        assert "NOT_FOUND" in output
        status, output = await ask(address, "connector", "check", "out", "--token", "operator-operator-1")
        assert status == 1
        assert "has no check" in output
