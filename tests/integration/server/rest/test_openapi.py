"""The description that is served: valid, complete, and true of real calls, as judges of other people see it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from answerby.server.rest.bindings import bindings_of
from answerby.server.rpc.grpc_server import SERVICES
from tests.integration.server.rest.conftest import client_of

core = pytest.importorskip("openapi_core", reason="openapi-core is not installed")
from google.protobuf.descriptor_pool import Default  # noqa: E402
from openapi_core.datatypes import RequestParameters  # noqa: E402
from openapi_spec_validator import OpenAPIV31SpecValidator, validate  # noqa: E402
from werkzeug.datastructures import Headers, ImmutableMultiDict  # noqa: E402


@pytest.fixture
async def description(http) -> dict[str, Any]:
    answer = await http.get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


class Asked:
    """A request as openapi-core reads it."""

    def __init__(self, request: httpx2.Request, body: bytes) -> None:
        parts = urlsplit(str(request.url))
        self.host_url = "http://localhost"
        self.path = parts.path
        self.method = request.method.lower()
        self.body = body
        self.content_type = request.headers.get("content-type", "")
        query = ImmutableMultiDict(request.url.params.multi_items())
        self.parameters = RequestParameters(query=query, header=Headers(dict(request.headers)), path={}, cookie={})


class Answered:
    def __init__(self, answer: httpx2.Response) -> None:
        self.status_code = answer.status_code
        self.content_type = answer.headers["content-type"].partition(";")[0]
        self.headers = Headers(dict(answer.headers))
        self.data = answer.content


async def test_the_description_is_valid_and_has_every_method(description):
    validate(description, cls=OpenAPIV31SpecValidator)
    described = {
        (verb.upper(), path, operation["operationId"])
        for path, operations in description["paths"].items()
        for verb, operation in operations.items()
    }
    services = [Default().FindServiceByName(name) for name in SERVICES]
    annotated = {
        (binding.verb, binding.path, binding.method.name)
        for binding in bindings_of(services)
        if not binding.segments[0].startswith("answerby.")
    }
    assert described == annotated
    assert {name for _, _, name in described} == {method.name for service in services for method in service.methods}
    assert all(
        operation["description"] for operations in description["paths"].values() for operation in operations.values()
    )


async def test_real_calls_and_answers_are_as_described(description, launch, settings, event):
    readers = {
        "application/problem+json": lambda body, **_: json.loads(body),
        "application/x-ndjson": lambda body, **_: body.decode(),
    }
    judge = core.OpenAPI.from_dict(description, config=core.Config(extra_media_type_deserializers=readers))
    token = "token-of-acme-0001"
    settings["server"]["tokens"] = {
        token: {"tenant": "acme", "name": "Ana", "roles": ["operator", "author", "approver"]}
    }
    facts = {"a.text": "x", "a.number": 5, "a.part": 1.5, "a.yes": True, "a.list": ["x"], "a.none": None}
    sent = event(facts={"text.body": "I complain", **facts})
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/events", {"json": sent}),
        ("POST", "/v1/events", {"json": sent, "headers": {"idempotency-key": "e-1"}}),
        ("POST", "/v1/events:batch", {"json": {"events": [event(2), event(3, id="")]}}),
        ("POST", "/v1/decisions:evaluate", {"json": {"event": event(4)}}),
        ("POST", "/v1/decisions:evaluateBatch", {"json": {"events": [event(4)], "brief": True}}),
        ("GET", "/v1/requests/R-1", {"params": {"decision_limit": 5}}),
        ("GET", "/v1/requests", {"params": {"page_size": 1, "with_flags": True, "categories": ["complaint", "other"]}}),
        ("GET", "/v1/requests/R-1/explanation", {"params": {"sequence": 1, "clocks": True, "alternatives": True}}),
        ("POST", "/v1/requests/R-1/what-if", {"json": {"facts": {"priority": "top"}}}),
        ("GET", "/v1/rulebook", {}),
        ("GET", "/v1/rulebook/revisions", {"params": {"page_size": 1}}),
        ("GET", "/v1/rulebook/activations", {}),
        ("GET", "/v1/rulebook/candidate", {}),
        ("POST", "/v1/rulebook:reload", {"json": {"validate_only": True}}),
        ("GET", "/v1/requests/none", {}),
        ("POST", "/v1/events", {"json": event(id="")}),
        ("POST", "/v1/rulebook:rollback", {"json": {"reason": "x"}}),
        ("POST", "/v1/clocks:migrate", {"json": {"preview": True}}),
    ]
    judged = []
    async with launch() as running, client_of(running, headers={"authorization": f"Bearer {token}"}) as http:
        for method, path, options in calls:
            request = http.build_request(method, path, **options)
            asked = Asked(request, request.content)
            judge.validate_request(asked)
            answer = await http.send(request)
            judge.validate_response(asked, Answered(answer))
            judged.append(answer.status_code)
        bad = http.build_request("POST", "/v1/events", json={**event(), "idd": "x"})
        with pytest.raises(core.exceptions.OpenAPIError):
            judge.validate_request(Asked(bad, bad.content))
    assert judged == [200] * 14 + [404, 400, 400, 200]


async def test_the_description_is_the_one_that_ships(description):
    from answerby.server.rest.api import openapi

    assert json.loads(openapi()) == description
