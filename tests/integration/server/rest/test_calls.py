"""Calls as HTTP and JSON on a real worker: the same decisions, credentials, limits and errors as by gRPC."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import httpx2
import pytest

from answerby.api.v1 import request_service_pb2 as pb
from tests.integration.server.rest.conftest import client_of
from tests.kit.processes import run


async def test_submit_with_curl_decides(running, event):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl on this machine")
    url = f"http://127.0.0.1:{running.worker.http_port}/v1/events"
    body = json.dumps(event())
    command = [curl, "-sS", "--noproxy", "*", url, "-Hcontent-type: application/json", "-d", body]
    answer = json.loads((await asyncio.to_thread(run, command)).stdout)
    assert answer["decision"]["request_id"] == "R-1"
    assert answer["decision"]["facts"]["category"] == "complaint"
    again = json.loads((await asyncio.to_thread(run, command)).stdout)
    assert (again["duplicate"], again["decision"]["id"]) == (True, answer["decision"]["id"])
    reply = await running.requests.GetRequest(pb.GetRequestRequest(request_id="R-1"))
    assert len(reply.decisions) == 1


async def test_requests_are_read_and_listed_with_plain_facts(http, event):
    for number in (1, 2, 3):
        facts = {"text.body": "I complain", "channel": "phone"} if number == 2 else {"text.body": "hello"}
        assert (await http.post("/v1/events", json=event(number, facts=facts))).status_code == 200
    found = (await http.get("/v1/requests/R-2")).json()
    assert found["request"]["request_id"] == "R-2"
    assert found["decisions"][0]["facts"]["priority"] == "high"
    page = (await http.get("/v1/requests", params={"page_size": 2})).json()
    rest = (await http.get("/v1/requests", params={"page_size": 2, "page_token": page["next_page_token"]})).json()
    assert [r["request_id"] for r in [*page["requests"], *rest["requests"]]] == ["R-3", "R-2", "R-1"]
    some = (await http.get("/v1/requests", params=[("categories", "complaint"), ("categories", "nothing")])).json()
    assert [r["request_id"] for r in some["requests"]] == ["R-2"]
    told = (await http.get("/v1/requests/R-2/explanation", params={"language_code": "en", "alternatives": True})).json()
    assert "complaint" in told["text"]


async def test_an_id_with_a_slash_and_chinese_characters_is_one_part_of_a_path(http, event):
    await http.post("/v1/events", json=event(request_id="crm/1/工单 7"))
    path = "/v1/requests/crm%2F1%2F%E5%B7%A5%E5%8D%95%207"
    assert (await http.get(path)).json()["request"]["request_id"] == "crm/1/工单 7"
    assert (await http.get("/v1/requests/crm/1/7")).status_code == 404


@pytest.mark.parametrize(
    "facts",
    [
        {"customer.id": "c-1", "text.body": "I complain"},
        {"customer.id": {"string_value": "c-1"}, "text.body": {"stringValue": "I complain"}},
    ],
)
async def test_evaluate_stores_nothing(http, event, facts):
    answer = (await http.post("/v1/decisions:evaluate", json={"event": event(facts=facts)})).json()
    assert answer["decision"]["facts"]["category"] == "complaint"
    assert (await http.get("/v1/requests")).json() == {}


async def test_facts_of_every_kind_go_in_and_come_out_as_they_are(http, event, store):
    facts = {
        "a.text": "x",
        "a.number": 5,
        "a.part": 1.5,
        "a.yes": True,
        "a.no": False,
        "a.list": ["x", "y"],
        "a.none": None,
    }
    answer = await http.post("/v1/events", json=event(facts=facts))
    assert answer.status_code == 200, answer.text
    (kept,) = await store.requests.events("default", "R-1")
    assert kept.data == facts
    assert isinstance(kept.data["a.number"], int)


async def test_a_key_is_the_id_of_the_event_and_a_resend_is_decided_once(http, event):
    headers = {"idempotency-key": '"key-1"'}
    first = await http.post("/v1/events", json=event(id=None), headers=headers)
    assert first.json()["decision"]["event_id"] == "key-1"
    again = (await http.post("/v1/events", json=event(id=None), headers=headers)).json()
    assert again["duplicate"] is True
    other = await http.post("/v1/events", json=event(id=None, facts={"text.body": "other"}), headers=headers)
    assert (other.status_code, other.json()["reason"]) == (422, "EVENT_ID_REUSED")
    both = await http.post("/v1/events", json=event(id="e-9"), headers=headers)
    assert (both.status_code, both.json()["violations"][0]["field"]) == (400, "event.id")
    batch = {"events": [event(7, id=None), event(8, id=None)]}
    results = (await http.post("/v1/events:batch", json=batch, headers={"idempotency-key": "b"})).json()["results"]
    assert [result["decision"]["event_id"] for result in results] == ["b/0", "b/1"]


async def test_errors_are_problem_details_with_the_reason(http, event):
    async def problem(method: str, path: str, **options: Any) -> tuple[int, str, dict[str, Any]]:
        answer = await http.request(method, path, **options)
        assert answer.headers["content-type"] == "application/problem+json"
        content = answer.json()
        assert (content["status"], content["type"]) == (answer.status_code, f"urn:answerby:reason:{content['reason']}")
        return answer.status_code, content["reason"], content

    status, reason, content = await problem("POST", "/v1/events", json=event(id="", time=None))
    assert (status, reason) == (400, "INVALID_FIELDS")
    assert {violation["field"] for violation in content["violations"]} == {"event.id", "event.time"}
    assert content["instance"].startswith("urn:answerby:call:")
    json_body = {"content-type": "application/json"}
    for arguments, expected in [
        (("GET", "/v1/requests/none"), (404, "REQUEST_NOT_FOUND")),
        (("GET", "/v1/nothing"), (404, "UNKNOWN_PATH")),
        (("GET", "/v1/events"), (405, "METHOD_NOT_ALLOWED")),
        (("GET", "/v1/requests?page_size=x"), (400, "INVALID_FIELDS")),
        (("GET", "/v1/requests?nope=1"), (400, "INVALID_FIELDS")),
        (("GET", "/v1/requests?breached_only=1"), (400, "INVALID_FIELDS")),
        (("GET", "/v1/requests?page_size=1&page_size=2"), (400, "INVALID_FIELDS")),
        (("GET", "/v1/requests?page_token=x"), (400, "INVALID_PAGE_TOKEN")),
        (("POST", "/v1/clocks:migrate?preview=true"), (400, "INVALID_FIELDS")),
    ]:
        assert (await problem(*arguments))[:2] == expected, arguments
    for body, expected in [
        (b"{", (415, "NOT_JSON")),
        (b"\xff", (415, "NOT_JSON")),
        (b"[]", (400, "INVALID_FIELDS")),
        (b'{"idd": "x"}', (400, "INVALID_FIELDS")),
        (b'{"time": "yesterday"}', (400, "INVALID_FIELDS")),
        (b'{"facts": {"a": {"b": 1}}}', (400, "INVALID_FIELDS")),
        (b'{"facts": 5}', (400, "INVALID_FIELDS")),
        (b'{"facts": {"a": [1]}}', (400, "INVALID_FIELDS")),
        (b'{"id": 5}', (400, "INVALID_FIELDS")),
    ]:
        assert (await problem("POST", "/v1/events", content=body, headers=json_body))[:2] == expected, body
    text = {"content-type": "text/plain"}
    assert (await problem("POST", "/v1/events", content=b"{}", headers=text))[:2] == (415, "NOT_JSON")
    deep = b'{"event": ' * 5000 + b"1" + b"}" * 5000
    assert (await problem("POST", "/v1/decisions:evaluate", content=deep, headers=json_body))[0] in (400, 415)


async def test_a_body_beyond_the_limit_is_refused(launch, settings, event):
    settings["server"]["limits"] = {"message_bytes": 2048}
    async with launch() as running, client_of(running) as http:
        answer = await http.post("/v1/events", json=event(facts={"text.body": "x" * 3000}))
        assert (answer.status_code, answer.json()["reason"]) == (413, "BODY_TOO_LARGE")


async def test_tokens_tenants_and_roles_hold_over_http_too(launch, settings, event):
    acme, reader = "token-of-acme-0001", "token-of-reader-1"
    settings["server"]["tokens"] = {
        acme: {"tenant": "acme", "name": "Ana", "roles": ["operator"]},
        reader: {"tenant": "globex", "name": "Ben", "roles": ["reader"]},
    }
    async with launch() as running, client_of(running) as http:

        async def call(token: str, method: str, path: str, **options: Any) -> httpx2.Response:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            return await http.request(method, path, headers=headers, **options)

        refused = await call("", "POST", "/v1/events", json=event())
        assert (refused.status_code, refused.json()["reason"]) == (401, "UNAUTHENTICATED")
        assert refused.headers["www-authenticate"] == "Bearer"
        assert (await call("wrong-token-000001", "GET", "/v1/requests")).status_code == 401
        assert (await call(acme, "POST", "/v1/events", json=event())).status_code == 200
        assert len((await call(acme, "GET", "/v1/requests")).json()["requests"]) == 1
        assert (await call(reader, "GET", "/v1/requests")).json() == {}
        assert (await call(reader, "GET", "/v1/requests/R-1")).status_code == 404
        denied = await call(reader, "POST", "/v1/rulebook:rollback", json={"reason": "x"})
        assert (denied.status_code, denied.json()["reason"]) == (403, "PERMISSION_DENIED")
        assert (await call(reader, "GET", "/v1/events:export")).status_code == 403
        assert (await call(acme, "GET", "/v1/rulebook")).json()["rulebook"]["state"] == "RULEBOOK_STATE_ACTIVE"


async def test_every_method_can_be_called_by_its_full_name(http, event):
    answer = await http.post("/answerby.v1.RequestService/SubmitEvent", json={"event": event()})
    assert answer.json()["decision"]["request_id"] == "R-1"
    answer = await http.post("/answerby.v1.RequestService/GetRequest", json={"requestId": "R-1"})
    assert answer.json()["request"]["request_id"] == "R-1"
    answer = await http.post("/answerby.v1.RulebookService/GetRulebook")
    assert answer.json()["rulebook"]["revision"].startswith("r-")


async def test_calls_are_counted_with_those_of_grpc(running, http, event):
    await http.post("/v1/events", json=event())
    counted = {
        tuple(sample.labels.values()): sample.value
        for family in running.registry.collect()
        for sample in family.samples
        if sample.name == "answerby_calls_total"
    }
    assert counted[("SubmitEvent", "OK")] == 1


async def test_without_the_setting_the_port_has_webhooks_only(launch, settings, event):
    settings["http"] = {"listen": "127.0.0.1:0"}
    async with launch() as running, client_of(running) as http:
        assert (await http.post("/v1/events", json=event())).status_code == 404
        assert (await http.get("/openapi.json")).status_code == 404
