"""The webhook connector against a server that misbehaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import LEASE_OVER, InvalidSettings, OutcomeKind
from answerby_connectors.kit.http import addresses
from answerby_connectors.webhook.connector import WebhookConnector
from tests.kit.patience import PATIENCE

KEYS = [b"k" * 32, b"l" * 32]
SECRETS = ["whsec_" + base64.b64encode(key).decode() for key in KEYS]
NOW = 1_767_600_000.9


def connector_to(http_server, timeout=PATIENCE):
    settings = {"url": http_server.url + "/in", "secrets": SECRETS, "timeout": timeout, "allow_private": True}
    return WebhookConnector("out", settings, clock=lambda: NOW)


@pytest.fixture
async def connector(http_server):
    made = connector_to(http_server)
    yield made
    await made.close()


@pytest.fixture
async def impatient(http_server):
    """Takes a call that is not answered at once for one that is never answered."""
    made = connector_to(http_server, timeout=0.3)
    yield made
    await made.close()


async def test_posts_nothing_once_the_lease_is_over(connector, http_server, make_delivery):
    assert await connector.deliver(make_delivery(leased=lambda: False)) is LEASE_OVER
    assert http_server.calls == []


async def test_posts_a_cloud_event(connector, http_server, make_delivery):
    created = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    outcome = await connector.deliver(make_delivery("e1" * 16, source="crm/eu", created=created))
    assert outcome.kind is OutcomeKind.DONE

    (call,) = http_server.calls
    assert (call.method, call.path) == ("POST", "/in")
    assert call.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    event = call.json
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": "e1" * 16,
        "source": "/answerby/acme",
        "type": "dev.answerby.decision.v1",
        "subject": "ESC-A1B2C3",
        "time": "2026-01-05T09:00:00Z",
        "datacontenttype": "application/json",
    }
    assert data["number"] == "202601-CSR-001"
    assert data["source"] == "crm/eu"
    assert data["payload"]["priority"] == "P0"


async def test_the_signature_is_over_the_bytes_sent_with_every_secret(connector, http_server, make_delivery):
    await connector.deliver(make_delivery("e1" * 16, payload={"note": "投诉 🔥"}))
    call = http_server.calls[0]
    assert (call.headers["webhook-id"], call.headers["webhook-timestamp"]) == ("e1" * 16, "1767600000")
    signed = f"{'e1' * 16}.1767600000.".encode() + call.body
    digests = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in KEYS]
    assert call.headers["webhook-signature"] == f"v1,{digests[0]} v1,{digests[1]}"


@pytest.mark.parametrize("kind", list(EffectKind))
async def test_every_kind_has_a_type_of_its_own(connector, http_server, make_delivery, kind):
    await connector.deliver(make_delivery(kind=kind))
    types = {
        "update_request": "dev.answerby.decision.v1",
        "notify": "dev.answerby.notification.v1",
        "create_task": "dev.answerby.task.v1",
        "open_case": "dev.answerby.case.v1",
    }
    assert http_server.calls[0].json["type"] == types[kind.value]


@pytest.mark.parametrize("status", [401, 403, 410])
async def test_a_refusal_of_the_receiver_holds_the_connector(connector, http_server, make_delivery, answer, status):
    http_server.faults = [answer(status)]
    outcome = await connector.deliver(make_delivery())
    assert outcome.kind is OutcomeKind.HELD
    assert outcome.detail.startswith(f"HTTP {status}: ")


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_refusal_is_final(connector, http_server, make_delivery, answer, status):
    http_server.faults = [answer(status)]
    outcome = await connector.deliver(make_delivery())
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, f"HTTP {status}")


@pytest.mark.parametrize("status", [429, 503])
async def test_waits_as_long_as_it_is_told(connector, http_server, make_delivery, answer, status):
    http_server.faults = [answer(status, {"Retry-After": "17"})]
    outcome = await connector.deliver(make_delivery())
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 17.0)


async def test_a_server_error_leaves_it_open(connector, http_server, make_delivery, answer):
    http_server.faults = [answer(500)]
    assert (await connector.deliver(make_delivery())).kind is OutcomeKind.UNKNOWN


async def test_follows_no_redirect(connector, http_server, make_delivery, answer):
    http_server.faults = [answer(307, {"Location": http_server.url + "/elsewhere"})]
    outcome = await connector.deliver(make_delivery())
    assert outcome.kind is OutcomeKind.FAILED
    assert "redirect" in outcome.detail
    assert [call.path for call in http_server.calls] == ["/in"]


async def test_a_lost_answer_is_unknown_and_the_repeat_has_the_same_id_and_bytes(
    connector, impatient, http_server, make_delivery, fault
):
    for cut in (fault.LOSE_ANSWER, fault.RESET, fault.HANG):
        http_server.faults = [cut]
        cut_off = impatient if cut is fault.HANG else connector
        assert (await cut_off.deliver(make_delivery())).kind is OutcomeKind.UNKNOWN
    assert (await connector.deliver(make_delivery(attempt=4, previous_unknown=True))).kind is OutcomeKind.DONE
    assert len({(call.headers["webhook-id"], call.body) for call in http_server.calls}) == 1
    assert len(http_server.calls) == 4


async def test_nobody_listening_means_surely_not_done(make_delivery):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        connector = WebhookConnector("out", {"url": url, "secrets": SECRETS, "allow_private": True})
        assert (await connector.deliver(make_delivery())).kind is OutcomeKind.RETRY
        await connector.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_posts_to_no_private_address_unless_allowed(http_server, make_delivery, host):
    connector = WebhookConnector("out", {"url": f"http://{host}:{http_server.port}/", "secrets": SECRETS})
    outcome = await connector.deliver(make_delivery())
    await connector.close()
    assert outcome.kind is OutcomeKind.HELD
    assert "not at a public address" in outcome.detail
    assert http_server.calls == []


async def test_goes_to_the_address_that_was_checked(http_server, make_delivery, monkeypatch):
    """The guard resolves once: the name is kept for the Host header, the connection goes to the address."""

    async def resolved(host: str, port: int) -> str:
        assert (host, port) == ("hooks.example.com", http_server.port)
        return "127.0.0.1"

    monkeypatch.setattr(addresses, "public_address", resolved)
    url = f"http://hooks.example.com:{http_server.port}/x"
    connector = WebhookConnector("out", {"url": url, "secrets": SECRETS})
    assert (await connector.deliver(make_delivery())).kind is OutcomeKind.DONE
    await connector.close()
    assert http_server.calls[0].headers["host"] == f"hooks.example.com:{http_server.port}"


def test_secrets_stay_out_of_messages():
    with pytest.raises(InvalidSettings) as caught:
        WebhookConnector("out", {"url": "https://a.example", "secrets": ["whsec_c2hvcnQ="], "colour": 1})
    assert "c2hvcnQ" not in str(caught.value)


def test_the_body_is_json_of_a_cloud_event(make_delivery):
    from answerby_connectors.webhook.connector import cloud_event

    delivery = make_delivery(payload={"tags": ["a", "b"], "due.first_response": "2026-01-05T09:15:00+08:00"})
    assert json.loads(json.dumps(cloud_event(delivery, "/x")))["source"] == "/x"
