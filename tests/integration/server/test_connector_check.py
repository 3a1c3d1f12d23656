"""CheckConnector: what a connector finds out about its platform, and what becomes of one that fails at it."""

from __future__ import annotations

import grpc
import pytest

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1.connector_service_pb2_grpc import ConnectorServiceStub
from answerby.server import worker
from answerby_connectors.kit.base import DONE, Finding, Guarantee, Manifest, PlatformUnavailable


class Desk:
    """A platform that answers a check as the test says."""

    manifest = Manifest("desk", frozenset(), Guarantee.EXACTLY_ONCE, False, "A desk.", ("has no due dates",))

    def __init__(self, findings) -> None:
        self.findings = findings

    async def deliver(self, delivery):
        return DONE

    async def close(self) -> None:
        return None

    async def check(self):
        if isinstance(self.findings, Exception):
            raise self.findings
        return self.findings


@pytest.fixture
def checked(settings, launch, monkeypatch):
    """The findings of a server whose connector finds this."""
    settings["connectors"] = [{"name": "desk", "type": "desk", "sources": ["crm/"]}]

    async def check(findings) -> list[tuple[bool, str]]:
        monkeypatch.setattr(worker, "build_connector", lambda *_: Desk(findings))
        async with launch() as running:
            stub = ConnectorServiceStub(running.channel)
            shown = (await stub.GetConnector(pb.GetConnectorRequest(name="desk"))).connector
            assert (shown.can_check, list(shown.cannot)) == (True, ["has no due dates"])
            reply = await stub.CheckConnector(pb.CheckConnectorRequest(name="desk"))
            return [(finding.good, finding.text) for finding in reply.findings]

    return check


async def test_the_findings_come_in_their_order(checked):
    found = [Finding("we are bot, of 3 projects"), Finding("priority P0 -> Urgent: no such priority", good=False)]
    assert await checked(found) == [(True, found[0].text), (False, found[1].text)]


async def test_a_platform_that_does_not_answer_is_a_finding(checked):
    assert await checked(PlatformUnavailable("ConnectError: is the address right?")) == [
        (False, "ConnectError: is the address right?")
    ]


async def test_a_fault_of_a_connector_is_a_finding_that_quotes_nothing(checked):
    ((good, text),) = await checked(ValueError("王芳 138-0000-0000"))
    assert not good
    assert "ValueError" in text
    assert "王芳" not in text


async def test_no_such_connector_is_not_found(running):
    stub = ConnectorServiceStub(running.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CheckConnector(pb.CheckConnectorRequest(name="desk"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
