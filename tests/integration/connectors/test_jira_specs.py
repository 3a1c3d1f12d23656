"""Every request to a Jira is one that its documents allow: ours, and the vendor's two."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from openapi_core.exceptions import OpenAPIError

from answerby_connectors.conformance import Call
from answerby_connectors.conformance.inbound import brought, polled
from answerby_connectors.conformance.play import playing
from answerby_connectors.kit.base import DONE
from tests.kit.platforms.jira import ANA, DUE, GROUP, POINTS, ROLE, STORY
from tests.kit.platforms.jira_stage import JiraStage
from tests.kit.platforms.vendor_specs import OWN, Judge, parts

FIELDS = {
    "department": "Support group",
    "role": "Role",
    "due.first_response": "Answer due",
    "story": "Story",
    "points": "Points",
    "owner": "assignee",
    "status": "status",
}
PAYLOAD = {
    **JiraStage.payload,
    "role": "quality",
    "due.first_response": "2026-01-05T12:00:00+08:00",
    "story": "one\ntwo",
    "points": "3",
    "owner": "ana@example.com",
    "status": "In Progress",
}


class AllOfJira(JiraStage):
    """With every setting that changes a request."""

    settings: ClassVar[dict[str, Any]] = {"fields": FIELDS}


class ByRequestType(JiraStage):
    settings: ClassVar[dict[str, Any]] = {
        "fields": {"category": "Request Type"},
        "values": {"category": {"complaint": "Report a fault"}},
    }


async def calls_to_jira() -> list[Call]:
    async with playing(AllOfJira()) as play:
        assert (await play.deliver(payload=PAYLOAD))[-1] == DONE
        await brought(play, play.stage.person_writes())
        await polled(play)
        edit, moved = play.stage.jira.edits
        calls = list(play.server.calls)
    line = {"type": "paragraph", "content": [{"type": "text", "text": "one"}, {"type": "hardBreak"}]}
    line["content"] += [{"type": "text", "text": "two"}]
    assert edit == {
        "priority": {"id": "1"},
        "components": [{"id": "100"}],
        "assignee": {"accountId": ANA["accountId"]},
        "duedate": "2026-01-07",
        GROUP: {"name": "vip"},
        ROLE: {"value": "quality"},
        DUE: "2026-01-05T12:00:00.000+0800",
        STORY: {"version": 1, "type": "doc", "content": [line]},
        POINTS: 3.0,
    }
    assert moved == {"status": "In Progress"}
    async with playing(ByRequestType()) as play:
        assert (await play.deliver())[-1] == DONE
        assert play.stage.jira.shown(["customfield_10054"]) == {
            "customfield_10054": {"requestType": {"id": "31", "name": "Report a fault"}}
        }
        return calls + list(play.server.calls)


async def test_every_request_to_jira_is_one_that_our_document_allows():
    calls, judge = await calls_to_jira(), Judge(OWN / "jira.json")
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 41
    assert {call.method for call in calls} == {"GET", "PUT", "POST"}


@pytest.mark.skipif(parts("jira", "*-openapi.json") is None, reason="needs the documents of the vendor")
async def test_every_request_to_jira_is_one_that_its_documents_allow():
    judge, calls = parts("jira", "*-openapi.json"), await calls_to_jira()
    for call in calls:
        judge.check(call)
    assert {call.path for call in judge.unknown} == {"/rest/api/3/project/CSR/components"}  # the extract leaves it out
    assert judge.judged == 40


JIRA_REFUSES = [
    ("POST", "/rest/api/3/issue/1/comment", b'{"body": "plain text"}'),
    ("PUT", "/rest/api/3/issue/1", b'{"fields": {"priority": "Highest"}}'),
    ("PUT", "/rest/api/3/issue/1", b'{"fields": {"duedate": "2026-01-07T10:00:00Z"}}'),
    ("PATCH", "/rest/api/3/issue/1", b'{"fields": {}}'),
    ("POST", "/rest/api/3/search/jql", b'{"jql": 5}'),
]


@pytest.mark.parametrize(("method", "path", "body"), JIRA_REFUSES)
def test_our_document_of_jira_refuses(method, path, body):
    call = Call(method, path, {"authorization": "Basic eDp5", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(OWN / "jira.json").check(call)
