"""What a decision writes to a conversation, and which events messages and webhooks become."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import InvalidSignature, OutcomeKind
from answerby_connectors.kit.signing.signatures import PATH_SECRET
from tests.kit.http_server import Answer
from tests.kit.platforms.chatwoot import NUMBER, SECRET, TEMPLATE, WANG, signed
from tests.kit.platforms.inbound import LONG_AGO, brought, told

VENDORS = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS")
PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "vip",
    "due.resolution": "2026-01-07T18:00:00+08:00",
}


async def test_a_decision_sets_each_field_and_ends_with_a_private_message(connector, chatwoot, delivery_of):
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert chatwoot.posts[:-1] == [
        ("toggle_priority", {"priority": "urgent"}),
        ("assignments", {"team_id": 21}),
        ("labels", {"labels": ["battery", "category_complaint"]}),
        ("custom_attributes", {"custom_attributes": {"order": "A-1", "due_at": "2026-01-07T10:00:00Z"}}),
    ]
    action, note = chatwoot.posts[-1]
    assert (action, note["private"]) == ("messages", True)


async def test_the_next_category_takes_the_place_of_the_last(connector, chatwoot, delivery_of):
    chatwoot.labels = ["battery", "category_complaint", "mine"]
    await connector.deliver(delivery_of(payload={"category": "Order Status"}))
    assert chatwoot.labels == ["battery", "mine", "category_order_status"]


async def test_what_is_refused_stands_in_the_note_and_keeps_nothing_else(connect, chatwoot, delivery_of):
    connector = connect(values={"priority": {"P0": "now"}})
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("set priority: HTTP 422",))
    assert (chatwoot.priority, chatwoot.team) == (None, 21)
    assert "priority was not set" in chatwoot.notes()[0]


async def test_a_conversation_without_right_fails_alone(connector, chatwoot, delivery_of):
    chatwoot.forbidden = True
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "read conversation: HTTP 401: no right to this")
    chatwoot.forbidden = False
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE


async def test_no_right_to_three_conversations_in_a_row_holds_the_connector(connector, chatwoot, delivery_of):
    chatwoot.forbidden = True
    kinds = [
        (await connector.deliver(delivery_of(request_id=str(n), payload=PAYLOAD))).kind for n in (4711, 4712, 4713)
    ]
    assert kinds == [OutcomeKind.FAILED, OutcomeKind.FAILED, OutcomeKind.HELD]


async def test_a_refused_token_holds_and_a_limit_waits(connect, http_server, delivery_of):
    assert (await connect(token="x").deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.HELD
    http_server.handler = lambda _: Answer(429, {"Retry-After": "60"}, content={"error": "Too many requests"})
    outcome = await connect().deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 60.0)


async def test_a_new_conversation_is_received_with_its_first_message(connector, chatwoot):
    expected = (
        "request.received",
        ActorRole.CUSTOMER,
        {
            "text.subject": "电池起火",
            "text.body": "充电时冒烟",
            "channel": "email",
            "customer.id": str(WANG),
            "contact.name": "王芳",
            "contact.email": "wang@example.com",
        },
    )
    assert await told(connector) == [expected]
    (event,) = await brought(connector, chatwoot.hooks)
    assert (event.type, event.actor, event.data) == expected


async def test_what_people_say_becomes_events(connector, chatwoot):
    chatwoot.agent_says("since when?")
    chatwoot.customer_says("today")
    chatwoot.agent_says("secret", private=True)
    chatwoot.say("We are back at nine", None, TEMPLATE)
    assert (await told(connector))[1:] == [
        ("request.replied", ActorRole.AGENT, {"text.body": "since when?"}),
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"}),
        ("request.updated", ActorRole.AGENT, {}),
        ("request.replied", ActorRole.SYSTEM, {"text.body": "We are back at nine"}),
    ]


async def test_a_status_comes_by_webhook(connector, chatwoot):
    for status in ("snoozed", "open", "resolved", "open"):
        chatwoot.turn(status)
    assert [(event.type, event.actor, event.data) for event in (await brought(connector, chatwoot.hooks))[1:]] == [
        ("request.on_hold", ActorRole.SYSTEM, {}),
        ("request.resumed", ActorRole.SYSTEM, {}),
        ("request.completed", ActorRole.SYSTEM, {}),
        ("request.reopened", ActorRole.SYSTEM, {}),
    ]


async def test_a_webhook_and_a_poll_of_the_same_message_are_one_event(connector, chatwoot):
    chatwoot.agent_says("since when?")
    chatwoot.customer_says("today")
    hooked = await brought(connector, chatwoot.hooks)
    page = await connector.poll("", LONG_AGO)
    assert len(hooked) == 3
    assert {event.id: event for event in hooked} == {event.id: event for event in page.events}


async def test_our_own_status_and_note_are_no_events(connect, chatwoot, delivery_of):
    connector = connect(fields={"status": "status"}, values={"status": {"open": "pending"}})
    await connector.deliver(delivery_of(payload={"status": "open"}))
    assert chatwoot.status == "pending"
    assert await brought(connect(), chatwoot.hooks[1:]) == []


async def test_a_status_that_a_person_sets_long_after_our_note_is_an_event(connect, chatwoot, delivery_of):
    connector = connect(fields={"status": "status"}, values={"status": {"open": "pending"}})
    await connector.deliver(delivery_of(payload={"status": "open"}))
    chatwoot.turn("open")
    chatwoot.turn("pending")
    assert [event.type for event in await brought(connect(), chatwoot.hooks[-1:])] == ["request.on_hold"]


async def test_a_long_conversation_is_read_to_its_end(connector, chatwoot, delivery_of):
    for number in range(250):
        chatwoot.customer_says(f"message {number}")
    await connector.deliver(delivery_of(payload=PAYLOAD))
    await connector.deliver(delivery_of(payload=PAYLOAD, previous_unknown=True, attempt=2))
    assert len(chatwoot.notes()) == 1
    assert len(await told(connector)) == 251


async def test_all_conversations_since_the_last_question_are_listed_the_oldest_first(connector, http_server):
    start = int(datetime(2026, 1, 5, 1, tzinfo=UTC).timestamp())

    def listing(call):
        page = int(call.path.rpartition("page=")[2])
        numbers = range(60)[::-1][(page - 1) * 25 : page * 25]
        shown = [{"id": n, "last_activity_at": start + n, "messages": [{}] if n != 7 else []} for n in numbers]
        return Answer(content={"data": {"payload": shown}})

    http_server.handler = listing
    listed, more = await connector.changed(datetime(2026, 1, 5, 1, 0, 5, tzinfo=UTC), 0)
    assert ([int(one.reference) for one in listed], more) == ([n for n in range(5, 60) if n != 7], False)
    assert len(http_server.calls) == 3
    later, _ = await connector.changed(datetime(2026, 1, 5, 1, 0, 5, tzinfo=UTC), 50)
    assert [int(one.reference) for one in later] == [56, 57, 58, 59]


async def test_a_release_that_signs_nothing_is_known_by_a_secret_in_the_path(connect, chatwoot):
    connector = connect(signature="secret-path")
    _, body = chatwoot.hooks[0]
    with pytest.raises(InvalidSignature):
        connector.receive({PATH_SECRET: "another"}, body)
    assert len(connector.receive({PATH_SECRET: SECRET}, body)) == 1


async def test_a_webhook_of_another_form_is_refused_with_its_place(connector):
    for body, place in (
        (b"[]", "body"),
        (b'{"event": "message_created"}', "id"),
        (b'{"event": "conversation_status_changed", "id": 1}', "timestamp"),
        (b'{"event": "conversation_status_changed", "id": 1, "timestamp": 1}', "changed_attributes"),
    ):
        with pytest.raises(InvalidInput) as caught:
            connector.receive(signed(body), body)
        assert [violation.field for violation in caught.value.violations] == [place]
    assert connector.receive(signed(b'{"event": "contact_created"}'), b'{"event": "contact_created"}') == []


@pytest.mark.skipif(VENDORS is None, reason="needs the examples of vendors")
def test_the_examples_of_webhooks_are_read(connect, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1_796_030_100.0)
    read = []
    for file in sorted(Path(VENDORS or "", "chatwoot").glob("webhook-*.json")):
        example = json.loads(file.read_text("utf-8"))
        connector = connect(webhook_secrets=[example["about"]["secret"]])
        body = json.dumps(example["request"]["body"], ensure_ascii=False, separators=(",", ":")).encode()
        read += [(event.request_id, event.id) for event in connector.receive(example["request"]["headers"], body)]
    assert read == [(str(NUMBER), "status/4711/1796030100.123"), (str(NUMBER), "message/90001")]
