"""Credentials of calls, and their renewal."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.kit.http.answer import CallFailed
from answerby_connectors.kit.http.auth import ClientCredentials, basic, bearer, header_key
from answerby_connectors.kit.http.rest import Rest
from answerby_connectors.kit.http.transport import make_client
from tests.kit.patience import PATIENCE


async def test_fixed_headers():
    assert await header_key("x-api-key", "k").headers() == {"x-api-key": "k"}
    assert await bearer("t").headers() == {"authorization": "Bearer t"}
    assert await bearer("t", "Token").headers() == {"authorization": "Token t"}
    assert await basic("ana", "пароль").headers() == {"authorization": "Basic YW5hOtC/0LDRgNC+0LvRjA=="}
    assert not bearer("t").renew()


class Platform:
    """Gives tokens t1, t2 and so on, and takes only the latest."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.given = 0
        self.withdrawn = False

    def handle(self, call):
        if call.path == "/token":
            form = parse_qs(call.body.decode())
            if form["client_secret"] != ["s"]:
                return self.answer(401)
            self.given += 1
            self.withdrawn = False
            return self.answer(content={"access_token": f"t{self.given}", "token_type": "Bearer", "expires_in": "3600"})
        good = call.headers.get("authorization") == f"Bearer t{self.given}" and not self.withdrawn
        return self.answer(content={"ok": True}) if good else self.answer(401)


@pytest.fixture
def platform(http_server, answer):
    made = Platform(answer)
    http_server.handler = made.handle
    return made


@pytest.fixture
async def http():
    async with make_client(PATIENCE) as client:
        yield client


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def auth(http, http_server, platform, now):
    return ClientCredentials(http, http_server.url + "/token", "c", "s", "api", lambda: now[0])


@pytest.fixture
def rest(http, http_server, auth):
    return Rest(http, http_server.url, auth)


async def test_a_token_is_fetched_once_and_again_before_its_end(rest, platform, now):
    for _ in range(3):
        await rest.write("set", "PUT", "x", {})
    assert platform.given == 1
    now[0] = 3539.0
    await rest.write("set", "PUT", "x", {})
    assert platform.given == 1
    now[0] = 3541.0
    await rest.write("set", "PUT", "x", {})
    assert platform.given == 2


async def test_a_token_that_was_withdrawn_is_replaced_within_the_call(rest, platform, http_server):
    await rest.read("look", "GET", "x")
    platform.withdrawn = True
    await rest.write("set", "PUT", "x", {"a": 1})
    assert platform.given == 2
    assert json.loads(http_server.calls[-1].body) == {"a": 1}


async def test_a_refused_secret_holds_the_connector_and_is_not_told(http, http_server, platform):
    auth = ClientCredentials(http, http_server.url + "/token", "c", "wrong-secret")
    with pytest.raises(CallFailed) as caught:
        await Rest(http, http_server.url, auth).read("look", "GET", "x")
    assert caught.value.outcome.kind is OutcomeKind.HELD
    assert "wrong-secret" not in caught.value.outcome.detail


@pytest.mark.parametrize(
    ("status", "kind"), [(403, OutcomeKind.HELD), (429, OutcomeKind.RETRY), (500, OutcomeKind.RETRY)]
)
async def test_a_token_endpoint_in_trouble(rest, http_server, answer, status, kind):
    http_server.faults = [answer(status)]
    with pytest.raises(CallFailed) as caught:
        await rest.write("set", "PUT", "x", {})
    assert caught.value.outcome.kind is kind


async def test_a_lost_token_call_wrote_nothing(rest, http_server, fault):
    http_server.faults = [fault.LOSE_ANSWER]
    with pytest.raises(CallFailed) as caught:
        await rest.write("set", "PUT", "x", {})
    assert caught.value.outcome.kind is OutcomeKind.RETRY


async def test_the_wait_that_a_token_endpoint_asks_for(rest, http_server, answer):
    http_server.faults = [answer(429, {"Retry-After": "7"})]
    with pytest.raises(CallFailed) as caught:
        await rest.read("look", "GET", "x")
    assert caught.value.outcome.retry_after == 7.0
