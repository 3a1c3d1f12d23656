"""Which events issues, comments, histories and webhooks become."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole
from answerby_connectors.jira.told import minute
from answerby_connectors.kit.base import InvalidSignature
from tests.kit.platforms.inbound import LONG_AGO, brought, told
from tests.kit.platforms.jira import ANA, ASKED, AUTOMATION, DUE, ISSUE, ROLE, SECRET, WANG, item
from tests.kit.platforms.jira_documents import document

PAYLOAD = {"category": "complaint", "priority": "P0", "due.resolution": "2026-01-07T18:00:00+08:00"}


def signed(body: bytes) -> tuple[dict[str, str], bytes]:
    return {"X-Hub-Signature": f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}"}, body


async def test_a_new_issue_is_received_with_what_the_customer_wrote(connect):
    (event,) = await told(connect(facts={"key": "ticket.key"}))
    assert event == (
        "request.received",
        ActorRole.CUSTOMER,
        {
            "ticket.key": "CSR-7",
            "text.subject": "电池起火",
            "text.body": "充电时冒烟",
            "customer.id": "qm:wang",
            "contact.name": "王芳",
            "contact.email": "wang@example.com",
        },
    )


async def test_what_people_do_becomes_events(connector, jira):
    jira.edit({"priority": {"id": "1"}, "components": [{"id": "100"}]}, ANA)
    jira.move("Waiting for customer", ANA)
    jira.say(document("since when?"), ANA, public=True)
    jira.say(document("today"), WANG, public=True)
    jira.move("In Progress", WANG)
    jira.say(document("secret"), ANA, public=False)
    jira.move("Resolved", ANA)
    assert (await told(connector))[1:] == [
        ("request.updated", ActorRole.AGENT, {"override.priority": "P0", "override.category": "complaint"}),
        ("request.on_hold", ActorRole.AGENT, {}),
        ("request.replied", ActorRole.AGENT, {"text.body": "since when?"}),
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"}),
        ("request.resumed", ActorRole.CUSTOMER, {}),
        ("request.updated", ActorRole.AGENT, {}),
        ("request.completed", ActorRole.AGENT, {}),
    ]


async def test_custom_fields_are_told_by_the_value_that_people_see(connect, jira):
    fields = {"role": "Role", "due.resolution": "Answer due", "category": "Request Type"}
    connector = connect(fields=fields, by_hand=["role", "due.resolution", "category"])
    jira.edit({ROLE: {"value": "quality"}, DUE: "2026-01-07T18:00:00.000+0800", ASKED: "32"}, ANA)
    assert (await told(connector))[1:] == [
        (
            "request.updated",
            ActorRole.AGENT,
            {
                "override.role": "quality",
                "override.due.resolution": "2026-01-07T18:00:00.000+0800",
                "override.category": "Ask",
            },
        )
    ]


async def test_what_automation_sets_is_not_set_by_hand(connector, jira):
    jira.edit({"priority": {"id": "1"}}, AUTOMATION)
    assert (await told(connector))[1:] == [("request.updated", ActorRole.SYSTEM, {})]


async def test_a_change_of_other_fields_is_no_event(connector, jira):
    jira.log(ANA, [{"field": "Rank", "fieldId": "customfield_10019", "toString": "x"}])
    jira.log(ANA, [{"field": "Attachment", "fieldId": "attachment", "toString": "photo.png"}])
    assert len(await told(connector)) == 1


async def test_a_new_subject_comes_with_its_event(connector, jira):
    jira.log(WANG, [{"field": "summary", "fieldId": "summary", "fromString": "x", "toString": "又起火"}])
    assert (await told(connector))[1:] == [("request.updated", ActorRole.CUSTOMER, {"text.subject": "又起火"})]


async def test_a_webhook_and_a_poll_of_the_same_change_are_one_event(connector, jira):
    jira.move("In Progress", ANA, item("priority", "3", "1"))
    jira.say(document("since when?"), ANA, public=True)
    jira.say(document("secret"), ANA, public=False)
    hooked = await brought(connector, jira.hooks)
    page = await connector.poll("", LONG_AGO)
    assert len(hooked) == 5  # the change of priority and status are two
    assert {event.id: event for event in hooked} == {event.id: event for event in page.events}


async def test_our_own_writes_are_no_events(connect, jira, delivery_of):
    connector = connect(fields={"status": "status"})
    await connector.deliver(delivery_of(request_id=ISSUE, payload={**PAYLOAD, "status": "Resolved"}))
    assert len(jira.hooks) == 4
    assert await brought(connector, jira.hooks[1:]) == []
    assert [kind for kind, *_ in await told(connector)] == ["request.received"]


async def test_a_webhook_without_a_right_signature_is_refused(connect, jira):
    headers, body = jira.hooks[0]
    with pytest.raises(InvalidSignature):
        connect().receive(headers, body + b" ")
    with pytest.raises(InvalidSignature):
        connect(webhook_secrets=[]).receive(headers, body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"[]", "body"),
        (b'{"webhookEvent": "jira:issue_created"}', "issue.id"),
        (b'{"webhookEvent": "comment_created", "comment": {}}', "comment.self"),
        (b'{"webhookEvent": "comment_created", "comment": {"self": "https://x/"}}', "comment.self"),
    ],
)
def test_a_webhook_of_another_form_is_refused_with_its_place(connector, body, place):
    with pytest.raises(InvalidInput) as caught:
        connector.receive(*signed(body))
    assert [violation.field for violation in caught.value.violations] == [place]


def test_webhooks_of_other_projects_and_events_are_none(connector):
    other = b'{"webhookEvent": "jira:issue_created", "issue": {"id": "1", "fields": {"project": {"key": "HR"}}}}'
    assert connector.receive(*signed(other)) == []
    assert connector.receive(*signed(b'{"webhookEvent": "sprint_started"}')) == []


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        ("2026-01-05T01:02:59+00:00", "2026-01-05 02:02"),
        ("2026-07-05T01:02:59+00:00", "2026-07-05 03:02"),
        ("2026-10-25T00:30:00+00:00", "2026-10-25 01:30"),  # 02:30 comes twice: Jira might take the later
        ("2026-10-25T01:30:00+00:00", "2026-10-25 02:30"),
    ],
)
def test_the_question_has_the_time_of_the_account(since, asked):
    assert minute(datetime.fromisoformat(since), ZoneInfo("Europe/Berlin")) == asked
