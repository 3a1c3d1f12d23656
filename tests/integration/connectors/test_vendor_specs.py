"""Every request of a connector is one that the documents of its platform allow."""

from __future__ import annotations

import pytest
from openapi_core.exceptions import OpenAPIError

from answerby_connectors.chatwoot import ChatwootConnector
from answerby_connectors.conformance import Call
from answerby_connectors.conformance.inbound import polled
from answerby_connectors.conformance.play import playing
from answerby_connectors.freshdesk import FreshdeskConnector
from answerby_connectors.kit.base import DONE, Connector
from answerby_connectors.redmine import RedmineConnector
from answerby_connectors.zammad import ZammadConnector
from answerby_connectors.zendesk import ZendeskConnector
from tests.kit.platforms.chatwoot import ACCOUNT
from tests.kit.platforms.chatwoot import TOKEN as CHATWOOT_TOKEN
from tests.kit.platforms.freshdesk import KEY as FRESHDESK_KEY
from tests.kit.platforms.redmine import KEY
from tests.kit.platforms.vendor_specs import OWN, Judge, documents
from tests.kit.platforms.zammad import TOKEN as ZAMMAD_TOKEN
from tests.kit.platforms.zendesk import EMAIL, TOKEN
from tests.kit.stages import ChatwootStage, FreshdeskStage, RedmineStage, ZammadStage, ZendeskStage

AT = "2026-01-07T10:00:00Z"
"""The due time of the stages' decision."""


class AllOfRedmine(RedmineStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "cf_12", "status": "status_id"}
        values = {"status": {"open": "In Progress"}}
        settings = {"url": url, "key": KEY, "timeout": timeout, "settle": settle, "projects": ["1", "support"]}
        return RedmineConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("redmine"), ids=lambda path: path.parent.name)
async def test_every_request_to_redmine_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfRedmine()) as play:
        payload = {**RedmineStage.payload, "role": "quality", "status": "open"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        issue = play.stage.redmine.issues[4711]
    assert (issue["status"]["name"], issue["custom_fields"][0]["value"]) == ("In Progress", "quality")
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 13
    assert {call.method for call in calls} == {"GET", "PUT"}


@pytest.mark.parametrize("document", documents("redmine"), ids=lambda path: path.parent.name)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/issues/1.json", b'{"issue": {"priority_id": "Urgent"}}'),
        ("PUT", "/issues/1.json", b'{"issue": {"due_date": "2026-01-07T18:00:00Z"}}'),
        ("PATCH", "/issues/1.json", b'{"issue": {"notes": "x"}}'),
        ("GET", "/tickets/1.json", b""),
    ],
)
def test_the_judge_refuses(document, method, path, body):
    call = Call(method, path, {"x-redmine-api-key": "k", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(document).check(call)


class AllOfFreshdesk(FreshdeskStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "cf_category", "status": "status", "owner": "responder_id"}
        values = {"status": {"open": "Pending"}}
        settings = {"url": url, "key": FRESHDESK_KEY, "timeout": timeout, "settle": settle}
        return FreshdeskConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("freshdesk"), ids=lambda path: path.parent.name)
async def test_every_request_to_freshdesk_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfFreshdesk()) as play:
        payload = {**FreshdeskStage.payload, "role": "quality", "status": "open", "owner": "agent 201"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        ticket = play.stage.freshdesk.tickets[4711]
    assert (ticket["status"], ticket["custom_fields"], ticket["responder_id"]) == (3, {"cf_category": "quality"}, 201)
    assert len(calls) == 11
    if document.parent != OWN:  # it takes only numbers for the id of an agent; Freshdesk's own page has `agents/me`
        calls = [call for call in calls if call.path != "/agents/me"]
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) >= 10
    assert {call.method for call in calls} == {"GET", "PUT", "POST"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/tickets/1", b'{"priority": "Urgent"}'),
        ("PUT", "/tickets/1", b'{"due_by": "2026-01-07T18:00:00Z"}'),
        ("PUT", "/tickets/1", b'{"due_by": "2026-01-07", "fr_due_by": "2026-01-07"}'),
        ("POST", "/tickets/1/notes", b'{"body": "x", "private": false}'),
        ("POST", "/tickets/1/reply", b'{"body": "x"}'),
        ("GET", "/tickets", b""),
    ],
)
def test_our_document_of_freshdesk_refuses(method, path, body):
    call = Call(method, path, {"authorization": "Basic a2V5Olg=", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(OWN / "freshdesk.json").check(call)


class AllOfZendesk(ZendeskStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "cf_360001", "status": "status", "owner": "assignee_id"}
        values = {"status": {"open": "open"}, "owner": {"ana": "ana@example.com"}}
        settings = {"url": url, "email": EMAIL, "token": TOKEN, "timeout": timeout, "settle": settle}
        return ZendeskConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("zendesk"), ids=lambda path: path.parent.name)
async def test_every_request_to_zendesk_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfZendesk()) as play:
        payload = {**ZendeskStage.payload, "role": "quality", "status": "open", "owner": "ana"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        (update,) = play.stage.zendesk.puts
    assert update == {
        "priority": "urgent",
        "status": "open",
        "type": "task",
        "group_id": 21,
        "assignee_id": 9_000_000_000_002,
        "due_at": "2026-01-07T10:00:00Z",
        "tags": ["battery", "category_complaint"],
        "safe_update": True,
        "updated_stamp": "2026-01-05T01:01:00Z",
        "custom_fields": [{"id": 360001, "value": "quality"}],
        "comment": {"html_body": update["comment"]["html_body"], "public": False},
    }
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) == 11
    assert [call.method for call in calls].count("PUT") == 1


@pytest.mark.parametrize("document", documents("zendesk"), ids=lambda path: path.parent.name)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v2/tickets/1", b'{"ticket": {"group_id": "vip"}}'),
        ("PUT", "/api/v2/tickets/1", b'{"ticket": {"priority": "P0"}}'),
        ("PATCH", "/api/v2/tickets/1", b'{"ticket": {"priority": "high"}}'),
        ("GET", "/api/v2/issues/1", b""),
    ],
)
def test_the_judge_of_zendesk_refuses(document, method, path, body):
    call = Call(method, path, {"authorization": "Basic eDp5", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(document).check(call)


class AllOfZammad(ZammadStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "role", "status": "state", "owner": "owner", "due.first_response": "pending_time"}
        values = {"status": {"open": "pending reminder"}, "owner": {"ana": "ana@example.com"}}
        settings = {"url": url, "token": ZAMMAD_TOKEN, "timeout": timeout, "settle": settle}
        return ZammadConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("zammad"), ids=lambda path: path.parent.name)
async def test_every_request_to_zammad_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfZammad()) as play:
        more = {"role": "quality", "status": "open", "owner": "ana", "due.first_response": "2026-01-05T12:00:00+08:00"}
        assert (await play.deliver(payload={**ZammadStage.payload, **more}))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        (update,) = play.stage.zammad.puts
    assert update == {
        "priority": "3 high",
        "category": "complaint",
        "group": "vip",
        "due_at": "2026-01-07T10:00:00Z",
        "role": "quality",
        "state": "pending reminder",
        "owner": "ana@example.com",
        "pending_time": "2026-01-05T04:00:00Z",
        "article": {"body": update["article"]["body"], "content_type": "text/html", "type": "note", "internal": True},
    }
    assert len(calls) == 17
    if document.parent != OWN:  # it leaves the history out
        calls = [call for call in calls if not call.path.startswith("/api/v1/ticket_history/")]
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) >= 13
    assert [call.method for call in calls].count("PUT") == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v1/tickets/1", b'{"priority": 3}'),
        ("PUT", "/api/v1/tickets/1", b'{"pending_time": "tomorrow"}'),
        ("PUT", "/api/v1/tickets/1", b'{"article": {"body": "x", "internal": false}}'),
        ("POST", "/api/v1/tickets", b'{"title": "x"}'),
        ("GET", "/api/v1/tickets/search", b""),
    ],
)
def test_our_document_of_zammad_refuses(method, path, body):
    call = Call(method, path, {"authorization": "Token token=x", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(OWN / "zammad.json").check(call)


class AllOfChatwoot(ChatwootStage):
    """With every setting that changes a request."""

    def connect(self, url: str, *, timeout: float, settle: float) -> Connector:
        fields = {"role": "role", "status": "status", "owner": "assignee"}
        values = {"status": {"open": "pending"}, "owner": {"ana": "ana@example.com"}}
        settings = {"url": url, "account": ACCOUNT, "token": CHATWOOT_TOKEN, "timeout": timeout, "settle": settle}
        return ChatwootConnector("desk", {**settings, "fields": fields, "values": values})


@pytest.mark.parametrize("document", documents("chatwoot"), ids=lambda path: path.parent.name)
async def test_every_request_to_chatwoot_is_one_that_its_document_allows(document):
    judge = Judge(document)
    async with playing(AllOfChatwoot()) as play:
        payload = {**ChatwootStage.payload, "role": "quality", "status": "open", "owner": "ana"}
        assert (await play.deliver(payload=payload))[-1] == DONE
        play.stage.person_writes()
        await polled(play)
        calls = list(play.server.calls)
        posts = play.stage.chatwoot.posts
    assert posts[:-1] == [
        ("toggle_status", {"status": "pending"}),
        ("toggle_priority", {"priority": "urgent"}),
        ("assignments", {"team_id": 21}),
        ("assignments", {"assignee_id": 7}),
        ("labels", {"labels": ["battery", "category_complaint"]}),
        ("custom_attributes", {"custom_attributes": {"order": "A-1", "due_at": AT, "role": "quality"}}),
    ]
    assert (posts[-1][0], posts[-1][1]["private"]) == ("messages", True)
    if document.parent != OWN:  # it leaves the profile out
        calls = [call for call in calls if call.path != "/api/v1/profile"]
    for call in calls:
        judge.check(call)
    assert judge.judged == len(calls) >= 15
    assert [call.method for call in calls].count("POST") == 7


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/accounts/3/conversations/1/toggle_priority", b'{"priority": "P0"}'),
        ("POST", "/api/v1/accounts/3/conversations/1/toggle_status", b'{"status": "closed"}'),
        ("POST", "/api/v1/accounts/3/conversations/1/labels", b'{"labels": "x"}'),
        ("POST", "/api/v1/accounts/3/conversations/1/messages", b'{"private": true}'),
        ("PUT", "/api/v1/accounts/3/conversations/1/labels", b'{"labels": []}'),
    ],
)
@pytest.mark.parametrize("document", documents("chatwoot"), ids=lambda path: path.parent.name)
def test_the_judge_of_chatwoot_refuses(document, method, path, body):
    call = Call(method, path, {"api_access_token": "x", "content-type": "application/json"}, body)
    with pytest.raises(OpenAPIError):
        Judge(document).check(call)
