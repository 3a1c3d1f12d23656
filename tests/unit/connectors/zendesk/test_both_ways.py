"""What a decision writes to a ticket, and which events the audits of people, triggers and our account become."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import OutcomeKind
from tests.kit.http_server import Answer
from tests.kit.platforms.inbound import LONG_AGO, told
from tests.kit.platforms.zendesk import ANA, WANG

PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "vip",
    "due.resolution": "2026-01-07T18:00:00+08:00",
}


async def test_a_decision_is_one_update(connector, zendesk, delivery_of):
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    (update,) = zendesk.puts
    assert update.pop("comment")["public"] is False
    assert update == {
        "priority": "urgent",
        "type": "task",
        "group_id": 21,
        "due_at": "2026-01-07T10:00:00Z",
        "tags": ["battery", "category_complaint"],
        "safe_update": True,
        "updated_stamp": "2026-01-05T01:01:00Z",
    }


async def test_what_is_refused_stands_in_the_note_and_keeps_nothing_else(connector, zendesk, delivery_of):
    zendesk.refused = {"due_at"}
    delivery = delivery_of(payload={**PAYLOAD, "category": None})
    outcome = await connector.deliver(delivery)
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.refused == ("update: HTTP 422",)
    assert (zendesk.ticket["priority"], zendesk.ticket["group_id"], zendesk.ticket["due_at"]) == ("urgent", 21, None)
    (note,) = zendesk.notes()
    assert "due.resolution was not set: update: HTTP 422" in note


async def test_a_closed_ticket_takes_no_decision(connector, zendesk, delivery_of):
    zendesk.ticket["status"] = "closed"
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.FAILED
    assert zendesk.puts == []


async def test_tags_that_somebody_adds_meanwhile_are_kept(connector, http_server, zendesk, delivery_of):
    def meanwhile(call):
        if call.method == "PUT" and "urgent-customer" not in zendesk.ticket["tags"]:
            zendesk.update({"tags": ["battery", "category_complaint", "urgent-customer"]}, ANA)
        return zendesk.handle(call)

    http_server.handler = meanwhile
    delivery = delivery_of(payload={"category": "consultation"})
    assert (await connector.deliver(delivery)).kind is OutcomeKind.RETRY
    assert (await connector.deliver(delivery)).kind is OutcomeKind.DONE
    assert zendesk.ticket["tags"] == ["battery", "urgent-customer", "category_consultation"]


async def test_a_new_ticket_is_received_with_what_the_requester_wrote(connector, zendesk):
    zendesk.update({"subject": "Battery"}, ANA)
    (kind, actor, data), _ = await told(connector)
    assert (kind, actor) == ("request.received", ActorRole.CUSTOMER)
    assert data == {
        "text.subject": "电池起火",
        "text.body": "充电时冒烟",
        "channel": "email",
        "customer.id": str(WANG),
        "contact.name": "王芳",
        "contact.email": "wang@example.com",
    }


async def test_what_people_do_becomes_events(connector, zendesk):
    zendesk.update({"priority": "high", "group_id": 21, "tags": ["battery", "category_complaint"]}, ANA)
    zendesk.update({"status": "pending", "comment": {"html_body": "since when?", "public": True}}, ANA)
    zendesk.update({"status": "open", "comment": {"html_body": "today", "public": True}}, WANG)
    zendesk.update({"comment": {"html_body": "<b>secret</b>", "public": False}}, ANA)
    assert (await told(connector))[1:] == [
        (
            "request.updated",
            ActorRole.AGENT,
            {"override.priority": "P1", "override.department": "vip", "override.category": "complaint"},
        ),
        ("request.replied", ActorRole.AGENT, {"text.body": "since when?"}),
        ("request.on_hold", ActorRole.AGENT, {}),
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"}),
        ("request.resumed", ActorRole.CUSTOMER, {}),
        ("request.updated", ActorRole.AGENT, {}),
    ]


async def test_what_a_trigger_sets_is_not_set_by_hand(connector, zendesk):
    zendesk.update({"priority": "high", "tags": ["battery", "category_complaint"]}, ANA)
    for change in zendesk.audits[-1]["events"]:
        change["via"] = {"channel": "rule"}
    zendesk.update({"status": "solved"}, -1)
    zendesk.audits[-1]["events"][0]["via"] = {"channel": "rule"}
    assert (await told(connector))[1:] == [("request.completed", ActorRole.SYSTEM, {})]


async def test_our_own_writes_are_no_events(connector, zendesk, delivery_of):
    await connector.deliver(delivery_of(payload=PAYLOAD))
    assert [kind for kind, *_ in await told(connector)] == ["request.received"]


async def test_more_tickets_than_a_page_in_one_second_are_all_listed(connector, http_server):
    def export(call):
        after = "cursor=" in call.path
        at = range(50, 60) if after else range(50)
        tickets = [{"id": number, "generated_timestamp": 1_767_574_800} for number in at]
        return Answer(content={"tickets": tickets, "after_cursor": "MTU3", "end_of_stream": after})

    http_server.handler = export
    first, more = await connector.changed(LONG_AGO, 0)
    rest, end = await connector.changed(LONG_AGO, 50)
    assert ([int(one.reference) for one in (*first, *rest)], more, end) == ([*range(60)], True, False)
    assert first[0].updated == datetime(2026, 1, 5, 1, tzinfo=UTC)


async def test_an_account_without_credentials_is_none(connector, http_server, delivery_of):
    http_server.handler = lambda _: Answer(content={"user": {"id": None, "name": "Anonymous user"}})
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.HELD
