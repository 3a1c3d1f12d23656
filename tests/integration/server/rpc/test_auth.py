"""Credentials: tokens stand for tenants, and nothing is open to the outside by accident."""

from __future__ import annotations

import grpc
import pytest
from pydantic import ValidationError

from answerby.api.v1 import request_service_pb2 as pb
from answerby.server.base.config import Config
from tests.kit.refusals import error_info

ONE, TWO = "token-of-tenant-one", "token-of-tenant-two"


def bearer(token):
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
def guarded(settings, launch):
    settings["server"]["tokens"] = {ONE: "one", TWO: "two"}
    return launch


@pytest.mark.parametrize("metadata", [(), bearer("wrong-token-altogether"), bearer(""), (("authorization", ONE),)])
async def test_a_call_without_a_valid_token_learns_nothing(guarded, make_event, metadata):
    async with guarded() as running:
        calls = [
            running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event()), metadata=metadata),
            running.requests.GetRequest(pb.GetRequestRequest(request_id=""), metadata=metadata),
            running.channel.unary_unary("/answerby.v1.RequestService/SubmitEvent")(b"\xff\xff", metadata=metadata),
            running.requests.WatchDecisions(pb.WatchDecisionsRequest(), metadata=metadata).read(),
        ]
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
            info = error_info(caught.value)
            assert (info.domain, info.reason) == ("answerby", "UNAUTHENTICATED")


async def test_a_token_sees_its_own_tenant_only(guarded, make_event):
    async with guarded() as running:
        request = pb.SubmitEventRequest(event=make_event())
        first = await running.requests.SubmitEvent(request, metadata=bearer(ONE))
        other = await running.requests.SubmitEvent(request, metadata=bearer(TWO))
        assert (first.duplicate, other.duplicate) == (False, False)
        await running.requests.SubmitEvent(pb.SubmitEventRequest(event=make_event(7)), metadata=bearer(ONE))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-7"), metadata=bearer(TWO))
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_health_needs_no_token(guarded):
    async with guarded() as running:
        await running.health_is("SERVING")


@pytest.mark.parametrize("address", ["0.0.0.0:50051", "[::]:50051", "192.0.2.7:50051", "desk.example.com:50051"])
def test_an_address_beyond_this_machine_needs_tls_and_tokens(address):
    with pytest.raises(ValidationError, match="insecure_allow_remote"):
        Config.model_validate({"server": {"listen": address}})
    with pytest.raises(ValidationError, match="insecure_allow_remote"):
        Config.model_validate({"server": {"listen": address, "tokens": {ONE: "one"}}})
    Config.model_validate({"server": {"listen": address, "insecure_allow_remote": True}})
    Config.model_validate(
        {"server": {"listen": address, "tokens": {ONE: "one"}, "tls_cert": "/x/cert.pem", "tls_key": "/x/key.pem"}}
    )


@pytest.mark.parametrize("address", ["127.0.0.1:50051", "[::1]:50051", "localhost:0"])
def test_loopback_needs_nothing(address):
    Config.model_validate({"server": {"listen": address}})
