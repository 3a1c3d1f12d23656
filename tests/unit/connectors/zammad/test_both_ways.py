"""What a decision writes to a ticket, and which events articles, histories and webhooks become."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import InvalidSignature, OutcomeKind
from answerby_connectors.zammad import ZammadConnector
from tests.kit.http_server import Answer
from tests.kit.platforms.inbound import LONG_AGO, brought, told
from tests.kit.platforms.zammad import ANA, BOT, SECRET, SYSTEM, TICKET, WANG, html_of

VENDORS = os.environ.get("ANSWERBY_TEST_VENDOR_SPECS")
PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "vip",
    "due.resolution": "2026-01-07T18:00:00+08:00",
}


async def test_a_decision_is_one_update_with_an_internal_article(connector, zammad, delivery_of):
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    (update,) = zammad.puts
    article = update.pop("article")
    assert (article["internal"], article["type"], article["content_type"]) == (True, "note", "text/html")
    assert update == {
        "priority": "3 high",
        "category": "complaint",
        "group": "vip",
        "due_at": "2026-01-07T10:00:00Z",
    }


async def test_a_name_that_zammad_does_not_know_keeps_nothing_else(connector, zammad, delivery_of):
    outcome = await connector.deliver(delivery_of(payload={**PAYLOAD, "department": "moon"}))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("HTTP 422: there is no such group",))
    assert (zammad.ticket["priority"], zammad.ticket["group"]) == ("3 high", "Users")
    (note,) = zammad.notes()
    assert "department was not set: HTTP 422: there is no such group" in note
    assert len(zammad.puts) == 1


async def test_an_attribute_that_zammad_drops_without_a_word_is_named(http_server, zammad, closing, delivery_of):
    settings = {"url": http_server.url, "token": "zammad-token", "fields": {"category": "kind"}, "settle": 0.0}
    connector = ZammadConnector("desk", settings)
    closing.append(connector)
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("update: the category is still another one",))
    assert zammad.ticket["priority"] == "3 high"


async def test_a_note_that_came_out_public_holds_the_connector(connector, http_server, zammad, delivery_of):
    def public(call):
        if call.method == "PUT":
            call.json["article"]["internal"] = False
            answer = zammad.handle(call)
            zammad.articles[-1]["internal"] = False
            return answer
        return zammad.handle(call)

    http_server.handler = public
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert outcome.kind is OutcomeKind.HELD
    assert "public" in outcome.detail


async def test_a_refused_token_holds_and_a_limit_waits(connector, http_server, delivery_of):
    http_server.handler = lambda _: Answer(401, content={"error": "Invalid token!"})
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.HELD
    http_server.handler = lambda _: Answer(429, {"Retry-After": "9"}, content={"error": "Too many requests"})
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, 9.0)


async def test_a_new_ticket_is_received_with_what_the_customer_wrote(connector):
    (event,) = await told(connector)
    assert event == (
        "request.received",
        ActorRole.CUSTOMER,
        {
            "text.subject": "电池起火",
            "text.body": "充电时冒烟",
            "channel": "email",
            "customer.id": str(WANG),
            "contact.name": "芳 王",
            "contact.email": "wang@example.com",
        },
    )


async def test_what_people_do_becomes_events(connector, zammad):
    zammad.update({"priority": "3 high", "group": "vip", "category": "complaint", "owner": "ana@example.com"}, ANA)
    zammad.update({"state": "pending reminder", "article": html_of("since when?")}, ANA)
    zammad.update({"state": "open", "article": html_of("today")}, WANG)
    zammad.update({"article": {**html_of("secret"), "internal": True}}, ANA)
    zammad.update({"state": "closed"}, ANA)
    by_hand = {"override.priority": "P0", "override.department": "vip", "override.category": "complaint"}
    assert (await told(connector))[1:] == [
        ("request.updated", ActorRole.AGENT, by_hand),
        ("request.on_hold", ActorRole.AGENT, {}),
        ("request.replied", ActorRole.AGENT, {"text.body": "since when?"}),
        ("request.resumed", ActorRole.CUSTOMER, {}),
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "today"}),
        ("request.updated", ActorRole.AGENT, {}),
        ("request.completed", ActorRole.AGENT, {}),
    ]


async def test_what_an_agent_notes_of_a_call_is_said_by_the_customer(connector, zammad):
    zammad.update({"article": {"body": "smoke again", "type": "phone", "sender": "Customer"}}, ANA)
    assert (await told(connector))[1:] == [
        ("request.customer_replied", ActorRole.CUSTOMER, {"text.body": "smoke again"})
    ]


async def test_what_a_trigger_sets_is_not_set_by_hand(connector, zammad):
    zammad.update({"priority": "3 high"}, SYSTEM)
    assert (await told(connector))[1:] == [("request.updated", ActorRole.SYSTEM, {})]


async def test_times_that_zammad_computes_are_no_events(connector, zammad):
    zammad.log("updated", SYSTEM, "escalation_at", "", "2026-01-05T09:00:00Z")
    zammad.log("updated", SYSTEM, "first_response_in_min", "", "12")
    assert len(await told(connector)) == 1


async def test_a_merged_ticket_says_into_which(connector, zammad):
    zammad.merge(4712, ANA)
    assert (await told(connector))[-1] == ("request.merged", ActorRole.SYSTEM, {"merged.into": "4712"})


async def test_a_webhook_and_a_poll_of_the_same_change_are_one_event(connector, zammad):
    zammad.update({"priority": "3 high"}, ANA)
    zammad.update({"state": "open"}, ANA)
    zammad.update({"article": html_of("since when?")}, ANA)
    hooked = await brought(connector, zammad.hooks)
    page = await connector.poll("", LONG_AGO)
    assert len(hooked) == 4
    assert {event.id: event for event in hooked} == {event.id: event for event in page.events}


async def test_what_came_along_with_an_article_is_polled(connector, zammad):
    zammad.update({"priority": "3 high", "article": html_of("since when?")}, ANA)
    (said,) = await brought(connector, zammad.hooks[-1:])
    assert said.type == "request.replied"
    page = await connector.poll("", LONG_AGO)
    assert [event.data for event in page.events if event.id != said.id][1:] == [{"override.priority": "P0"}]


async def test_a_webhook_that_is_no_ticket_is_refused_with_its_place(connector):
    for body, place in ((b"{}", "ticket.id"), (b"[]", "body"), (b'{"ticket": {"id": 1}}', "ticket.updated_at")):
        signature = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        with pytest.raises(InvalidInput) as caught:
            connector.receive({"X-Hub-Signature": f"sha1={signature}"}, body)
        assert [violation.field for violation in caught.value.violations] == [place]


async def test_without_a_secret_no_webhook_is_taken(http_server, zammad, closing):
    connector = ZammadConnector("desk", {"url": http_server.url, "token": "zammad-token"})
    closing.append(connector)
    with pytest.raises(InvalidSignature):
        connector.receive(*zammad.hooks[0])


async def test_our_own_writes_are_no_events(connector, zammad, delivery_of):
    await connector.deliver(delivery_of(payload=PAYLOAD))
    assert [kind for kind, *_ in await told(connector)] == ["request.received"]
    assert await brought(connector, zammad.hooks[1:]) == []


async def test_a_check_names_the_priority_that_is_not_there(http_server, zammad, closing):
    values = {"priority": {"P0": "4 urgent", "P1": "3 high"}}
    connector = ZammadConnector("desk", {"url": http_server.url, "token": "zammad-token", "values": values})
    closing.append(connector)
    found = await connector.check()
    assert found[0].text == f"logged in as the account {BOT}"
    assert [finding.text for finding in found if not finding.good] == [
        "priority P0 leads nowhere: priority has no 4 urgent"
    ]


@pytest.mark.skipif(VENDORS is None, reason="needs the examples of vendors")
def test_the_examples_of_webhooks_are_read(closing):
    for file in sorted(Path(VENDORS or "", "zammad").glob("webhook-*.json")):
        example = json.loads(file.read_text("utf-8"))
        secret, request = example["about"]["secret"], example["request"]
        connector = ZammadConnector("desk", {"url": "http://127.0.0.1:9", "token": "t", "webhook_secrets": [secret]})
        closing.append(connector)
        body = json.dumps(request["body"], ensure_ascii=False, separators=(",", ":")).encode()
        (event,) = connector.receive(request["headers"], body)
        assert (event.request_id, event.id) == ("81", "ticket/81")


async def test_what_zammad_answers_to_an_update_of_another_ticket_is_no_such_ticket(connector, delivery_of):
    outcome = await connector.deliver(delivery_of(request_id=str(TICKET + 1), payload=PAYLOAD))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")


async def test_a_ticket_without_any_article_is_received_and_takes_a_decision(connector, zammad, delivery_of):
    zammad.articles.clear()
    ((kind, _, data),) = await told(connector)
    assert (kind, data["text.subject"], "text.body" in data) == ("request.received", "电池起火", False)
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE
