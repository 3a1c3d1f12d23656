"""What a decision writes to a ticket, and which events followups, times of statuses and webhooks become."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import OutcomeKind
from tests.kit.http_server import Answer
from tests.kit.platforms.glpi import ANA, BOT, WANG, signed
from tests.kit.platforms.inbound import LONG_AGO, brought, told

VENDORS = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS")
PAYLOAD = {"category": "complaint", "priority": "P0", "department": "vip"}


async def test_a_decision_is_an_update_a_group_and_a_private_followup(connector, glpi, delivery_of):
    glpi.team.append(("assigned", "Group", 22))
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert glpi.writes[:-1] == [
        ("PATCH", "", {"priority": 5, "category": {"id": 31}}),
        ("POST", "TeamMember", {"type": "Group", "id": 21, "role": "assigned"}),
        ("DELETE", "TeamMember", {"type": "Group", "id": 22, "role": "assigned"}),
    ]
    method, what, note = glpi.writes[-1]
    assert (method, what, note["is_private"]) == ("POST", "Timeline/Followup", True)
    assert glpi.assigned() == [("Group", 21)]


async def test_a_refused_group_leaves_the_group_that_the_ticket_has(connector, glpi, delivery_of):
    glpi.team.append(("assigned", "Group", 22))
    glpi.refuses = {"Group"}
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("set group: HTTP 400",))
    assert glpi.assigned() == [("Group", 22)]
    assert "department was not set" in glpi.notes()[0]


async def test_a_rule_that_refuses_by_500_keeps_nothing_else(connector, glpi, delivery_of):
    glpi.refuses = {"category"}
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("update: HTTP 500: a rule of GLPI refuses it",))
    assert (glpi.ticket["priority"], glpi.ticket["category"], glpi.assigned()) == (5, None, [("Group", 21)])


async def test_a_priority_that_glpi_drops_for_want_of_a_right_is_named(connector, glpi, delivery_of):
    glpi.drops = {"priority"}
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("update: the priority is still another one",))
    assert "priority was not set" in glpi.notes()[0]


async def test_a_token_that_ended_is_fetched_anew(connector, glpi, delivery_of):
    await connector.identify()
    glpi.tokens.clear()
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert len(glpi.writes) == 3


async def test_a_refused_password_holds_and_a_limit_waits(connect, http_server, delivery_of):
    outcome = await connect(password="another").deliver(delivery_of(payload=PAYLOAD))
    assert outcome.kind is OutcomeKind.HELD
    assert "another" not in outcome.detail
    http_server.handler = lambda _: Answer(429, {"Retry-After": "9"})
    outcome = await connect().deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 9.0)


async def test_a_new_ticket_is_received_with_what_the_requester_wrote(connector, glpi):
    expected = (
        "request.received",
        ActorRole.CUSTOMER,
        {
            "text.subject": "电池起火",
            "text.body": "充电时冒烟",
            "channel": "E-Mail",
            "customer.id": str(WANG),
            "contact.name": f"User {WANG}",
        },
    )
    assert await told(connector) == [expected]
    (event,) = await brought(connector, glpi.hooks)
    assert (event.type, event.actor, event.data) == expected


async def test_what_people_say_becomes_events(connector, glpi):
    glpi.say("<p>since when?</p>", ANA)
    glpi.say("<p>today</p>", WANG)
    glpi.say("<p>secret</p>", ANA, private=True)
    assert (await told(connector))[1:] == [
        ("request.replied", ActorRole.AGENT, {"text.body": "since when?"}),
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"}),
        ("request.updated", ActorRole.AGENT, {}),
    ]


async def test_the_times_of_statuses_become_events(connector, glpi):
    glpi.update({"status": 4}, ANA)
    assert (await told(connector))[1:] == [("request.on_hold", ActorRole.SYSTEM, {})]
    glpi.update({"status": 5}, ANA)
    glpi.update({"status": 6}, ANA)
    assert (await told(connector))[1:] == [
        ("request.completed", ActorRole.SYSTEM, {}),
        ("request.closed", ActorRole.SYSTEM, {}),
    ]


async def test_work_after_a_wait_is_told_by_webhook(connector, glpi):
    glpi.update({"urgency": 4}, ANA)
    assert await brought(connector, glpi.hooks[-1:]) == []
    glpi.update({"status": 4}, ANA)
    glpi.update({"status": 2}, ANA)
    assert [event.type for event in await brought(connector, glpi.hooks[-1:])] == ["request.resumed"]


async def test_a_webhook_and_a_poll_of_the_same_change_are_one_event(connector, glpi):
    glpi.say("since when?", ANA)
    glpi.say("today", WANG)
    glpi.update({"status": 4}, ANA)
    hooked = await brought(connector, glpi.hooks)
    page = await connector.poll("", LONG_AGO)
    assert len(hooked) == 4
    assert {event.id: event for event in hooked} == {event.id: event for event in page.events}


async def test_our_own_writes_are_no_events(connect, glpi, delivery_of):
    connector = connect(fields={"status": "status"}, values={"status": {"open": "Pending"}})
    await connector.deliver(delivery_of(payload={**PAYLOAD, "status": "open"}))
    assert glpi.ticket["status"] == 4
    other = connect(fields={"status": "status"}, values={"status": {"open": "Pending"}})
    assert await brought(other, glpi.hooks[1:]) == []
    assert [kind for kind, *_ in await told(other)] == ["request.received"]


async def test_a_webhook_of_another_form_is_refused_with_its_place(connector):
    for body, place in ((b"[]", "body"), (b"{}", "item"), (b'{"event": "update", "item": {}}', "item.id")):
        with pytest.raises(InvalidInput) as caught:
            connector.receive(signed(body), body)
        assert [violation.field for violation in caught.value.violations] == [place]


async def test_a_check_says_what_can_be_chosen(connector):
    found = await connector.check()
    assert found[0].text == f"logged in as the account {BOT}"
    assert all(finding.good for finding in found)
    assert "department goes to group, which has 2 choices" in [finding.text for finding in found]


@pytest.mark.skipif(VENDORS is None, reason="needs the examples of vendors")
def test_the_examples_of_webhooks_are_read(connect):
    read = []
    for file in sorted(Path(VENDORS or "", "glpi").glob("webhook-*.json")):
        example = json.loads(file.read_text("utf-8"))
        connector = connect(webhook_secrets=[example["about"]["secret"]])
        body = json.dumps(example["request"]["body"], ensure_ascii=False, separators=(",", ":")).encode()
        read += [(event.request_id, event.id) for event in connector.receive(example["request"]["headers"], body)]
    assert read == [("4711", "followup/88"), ("4711", "status/4711/2026-11-30T09:15:00+00:00")]


async def test_a_ticket_by_mail_of_a_person_without_account_is_received(connector, glpi):
    glpi.team.clear()
    glpi.ticket["user_recipient"] = None
    glpi.say("today", 0)
    (kind, actor, data), reply = await told(connector)
    assert reply == ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"})
    assert (kind, actor, data["text.body"]) == ("request.received", ActorRole.CUSTOMER, "充电时冒烟")
    assert "customer.id" not in data
