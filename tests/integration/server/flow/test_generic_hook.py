"""A platform without a connector: its webhooks are taken by a mapping file, and decided, on a real worker."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import httpx2
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from answerby_connectors.kit.registry import connector_types
from tests.kit.patience import eventually
from tests.kit.processes import answerby, run

SECRET = "a long secret of the test"
MAPPING = """
webhook:
  source: crm/acme
  events:
    - when: {event: ticket.created}
      type: request.received
      id: "{ticket.id}/created"
      request: "ACME-{ticket.id}"
      time: "{ticket.created_at}"
      facts:
        text.body: "{ticket.description}"
        channel: {path: ticket.via, values: {hotline: phone}, otherwise: web}
    - each: comments
      type: request.customer_replied
      id: "comment/{id}"
      request: "ACME-{$.ticket.id}"
      time: "{at}"
      facts: {text.body: "{text}"}
"""
BODY: dict[str, Any] = {
    "event": "ticket.created",
    "ticket": {"id": 7, "created_at": "2026-01-05T09:00:00+08:00", "description": "I complain", "via": "hotline"},
    "comments": [{"id": 1, "at": "2026-01-05T09:05:00+08:00", "text": "and again"}],
}

needs_generic = pytest.mark.skipif(
    "generic" not in connector_types(), reason="answerby was installed before it had the generic connector"
)
pytestmark = needs_generic


@pytest.fixture
def mapping(rules: Path) -> Path:
    folder = rules / "mappings"
    folder.mkdir()
    file = folder / "acme.yaml"
    file.write_text(MAPPING, "utf-8")
    return file


@pytest.fixture
def connector(settings: dict[str, Any], mapping: Path) -> dict[str, Any]:
    """The settings of the connector; change them before a worker is started."""
    given: dict[str, Any] = {"mapping_file": str(mapping), "signature": "github", "secrets": [SECRET]}
    settings["connectors"] = [{"name": "acme", "type": "generic", "settings": given}]
    settings["http"] = {"listen": "127.0.0.1:0"}
    return given


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def url_of(running, path: str = "acme") -> str:
    return f"http://127.0.0.1:{running.worker.http_port}/hook/{path}"


async def request_of(running, request_id: str) -> pb.GetRequestResponse | None:
    listed = await running.requests.ListRequests(pb.ListRequestsRequest())
    if request_id not in {request.request_id for request in listed.requests}:
        return None
    return await running.requests.GetRequest(pb.GetRequestRequest(request_id=request_id))


async def test_a_post_with_curl_decides(connector, launch, store):
    body = json.dumps(BODY, ensure_ascii=False).encode()
    curl = shutil.which("curl")
    async with launch() as running, httpx2.AsyncClient() as http:
        if curl is None:
            answer = (await http.post(url_of(running), content=body, headers=signed(body))).json()
        else:
            headers = [
                f"-Hx-hub-signature-256: {signed(body)['x-hub-signature-256']}",
            ]
            sent = await asyncio.to_thread(
                run, [curl, "-sS", "--noproxy", "*", url_of(running), *headers, "--data-binary", body.decode()]
            )
            answer = json.loads(sent.stdout)
        assert answer == {"accepted": 2}

        async def decided() -> pb.GetRequestResponse | None:
            found = await request_of(running, "ACME-7")
            return found if found is not None and len(found.decisions) == 2 else None

        found = await eventually(decided)
        assert found.decisions[0].facts["category"].string_value == "complaint"
        first, second = await store.requests.events("default", "ACME-7")
        assert first.data == {"text.body": "I complain", "channel": "phone"}
        assert (second.type, second.data) == ("request.customer_replied", {"text.body": "and again"})
        # The platform sends it again: nothing happens a second time.
        assert (await http.post(url_of(running), content=body, headers=signed(body))).status_code == 202
        again = json.dumps({**BODY, "comments": [*BODY["comments"], {**BODY["comments"][0], "id": 2}]}).encode()
        assert (await http.post(url_of(running), content=again, headers=signed(again))).status_code == 202

        async def third() -> bool:
            found = await request_of(running, "ACME-7")
            return len(found.decisions) == 3

        await eventually(third)


async def test_what_is_not_signed_or_not_readable_is_refused_and_stores_nothing(connector, launch, store):
    body = json.dumps(BODY).encode()
    async with launch() as running, httpx2.AsyncClient() as http:
        for headers in ({}, signed(body, "another long secret"), signed(body + b" ")):
            answer = await http.post(url_of(running), content=body, headers=headers)
            assert (answer.status_code, answer.json()["reason"]) == (401, "INVALID_SIGNATURE")
        for wrong in (b"{", b"[]", b'{"event": "ticket.created"}', b"\xff"):
            answer = await http.post(url_of(running), content=wrong, headers=signed(wrong))
            expected = (202, None) if wrong == b"[]" else (400, "INVALID_FIELDS")
            assert (answer.status_code, answer.json().get("reason")) == expected
        assert (await http.post(url_of(running, "other"), content=body)).status_code == 404
        assert (await store.intake.depth("default"))[:2] == (0, 0)


async def test_a_form_is_read_and_json_that_is_called_a_form_too(connector, launch, mapping, store):
    connector["signature"] = "none"
    form = mapping.with_name("form.yaml")
    entry = '- {type: request.received, request: "F-{number}", facts: {text.body: "{text}"}}'
    form.write_text(f"webhook:\n  source: crm/form\n  events:\n    {entry}\n", "utf-8")
    connector["mapping_file"] = str(form)
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    async with launch() as running, httpx2.AsyncClient() as http:
        for body in (b"number=1&text=I+complain+%E5%A5%BD", b' {"number": 2, "text": "hello"}'):
            assert (await http.post(url_of(running), content=body, headers=headers)).json() == {"accepted": 1}
        wrong = await http.post(url_of(running), content=b"number=1&text=%ff&&x", headers=headers)
        assert wrong.status_code == 400

        async def both() -> bool:
            return await request_of(running, "F-1") is not None and await request_of(running, "F-2") is not None

        await eventually(both)
        (event,) = await store.requests.events("default", "F-1")
        assert event.data == {"text.body": "I complain 好"}


async def test_a_secret_in_the_path(connector, launch):
    connector["signature"] = "secret-path"
    async with launch() as running, httpx2.AsyncClient() as http:
        for path in ("acme", "acme/wrong-secret-00"):
            assert (await http.post(url_of(running, path), json=BODY)).status_code == 401
        headers = {"x-path-secret": SECRET, "path-secret": SECRET}
        assert (await http.post(url_of(running), json=BODY, headers=headers)).status_code == 401
        secret = SECRET.replace(" ", "%20")
        assert (await http.post(url_of(running, f"acme/{secret}"), json=BODY)).status_code == 202
        assert SECRET not in running.log.getvalue()


async def test_a_changed_mapping_is_taken_without_a_restart_and_a_broken_one_leaves_the_last(
    connector, launch, mapping
):
    body = json.dumps(BODY).encode()
    async with launch() as running, httpx2.AsyncClient() as http:
        mapping.write_text(MAPPING.replace("type: request.received", "typ: request.received"), "utf-8")
        await eventually(lambda: "has no key 'typ'" in running.log.getvalue())
        assert (await http.post(url_of(running), content=body, headers=signed(body))).json() == {"accepted": 2}
        mapping.write_text(MAPPING.replace("ACME-", "NEW-"), "utf-8")

        numbers = itertools.count(100)

        async def other_name() -> bool:
            number = next(numbers)  # an event that was decided before would not be decided again under another name
            other = json.dumps({**BODY, "ticket": {**BODY["ticket"], "id": number}}).encode()
            await http.post(url_of(running), content=other, headers=signed(other))
            listed = await running.requests.ListRequests(pb.ListRequestsRequest(page_size=500))
            return any(request.request_id.startswith("NEW-") for request in listed.requests)

        await eventually(other_name)


async def test_a_trial_shows_events_and_decisions_without_a_signature(connector, launch, tmp_path):
    file = tmp_path / "body.json"
    file.write_text(json.dumps(BODY), "utf-8")
    async with launch() as running:
        target = ("--target", f"127.0.0.1:{running.worker.port}")
        tried = await asyncio.to_thread(answerby, "connector", "try", "acme", file, *target)
        assert tried.returncode == 0, tried.stderr
        assert [line for line in tried.stdout.splitlines() if not line.startswith("  ")] == [
            "request.received of ACME-7, by customer",
            "request.customer_replied of ACME-7, by customer",
        ]
        assert "category = complaint" in tried.stdout
        assert await request_of(running, "ACME-7") is None


async def test_mistakes_of_the_settings_name_the_connector_and_the_remedy(connector, launch):
    del connector["secrets"]
    async with launch() as running:
        await eventually(lambda: "at least one secret" in running.log.getvalue())
        assert "'acme'" in running.log.getvalue()
