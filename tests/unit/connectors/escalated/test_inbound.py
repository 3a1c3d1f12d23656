"""Webhooks of the help desk into events."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole
from answerby_connectors.escalated import EscalatedConnector
from answerby_connectors.kit.base import InboundConnector, InvalidSignature, PlatformUnavailable
from tests.kit.patience import PATIENCE

SECRET = "hook secret"
BOT, ANA, WANG = 1, 7, 9


@pytest.fixture
async def connector(http_server, desk):
    settings = {
        "url": http_server.url + "/api",
        "token": "secret-token",
        "webhook_secrets": ["old", SECRET],
        "timeout": PATIENCE,
    }
    made = EscalatedConnector("desk", settings)
    yield made
    await made.close()


def webhook(event: str, sent: str = "2026-01-05T03:00:00+00:00", **payload) -> tuple[dict[str, str], bytes]:
    content = {"ticket_id": 1, "reference": "ESC-A1B2C3", "user_id": None, **payload}
    body = json.dumps({"event": event, "payload": content, "timestamp": sent}).encode()
    return {"X-Escalated-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}, body


async def complete(connector, given):
    (raw,) = connector.receive(*given)
    return await connector.complete(raw)


def changed(desk, kind: str, by: int | None, before: str, after: str):
    """What the desk does for a change: an entry in the history, and the webhook."""
    causer = {"id": by, "name": ""} if by else None
    number = desk.log(f"{kind}_changed", {f"old_{kind}": before, f"new_{kind}": after}, causer)
    return number, webhook(f"ticket.{kind}_changed", user_id=by, **{f"old_{kind}": before, f"new_{kind}": after})


def test_is_an_inbound_connector(connector):
    assert isinstance(connector, InboundConnector)


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Escalated-Signature": ""}, {"X-Escalated-Signature": "0" * 64}, {"X-Escalated-Signature": "签名"}],
)
def test_refuses_before_it_reads(connector, headers):
    with pytest.raises(InvalidSignature):
        connector.receive(headers, b"not even JSON")


def test_without_secrets_nothing_is_believed():
    connector = EscalatedConnector("desk", {"url": "https://desk.example.com", "token": "t"})
    empty = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    with pytest.raises(InvalidSignature):
        connector.receive({"X-Escalated-Signature": empty}, b"{}")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"event": "ticket.created"}', b"\xff"])
def test_a_body_that_is_not_what_is_documented(connector, body):
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    with pytest.raises(InvalidInput):
        connector.receive({"x-escalated-signature": signature}, body)


def test_a_webhook_without_reference_names_the_place(connector):
    with pytest.raises(InvalidInput, match=r"payload\.reference"):
        connector.receive(*webhook("ticket.created", reference=None))


@pytest.mark.parametrize("event", ["ticket.resolved", "sla.breached", "chat.message", "ticket.tag_added", "new.one"])
def test_what_is_not_listed_is_ignored(connector, event):
    assert connector.receive(*webhook(event)) == []


async def test_a_new_ticket(connector):
    event = await complete(connector, webhook("ticket.created", user_id=WANG, subject="电池起火", priority="medium"))
    assert (event.source, event.id) == ("escalated/desk", "ticket/1")
    assert (event.type, event.request_id, event.actor) == ("request.received", "ESC-A1B2C3", ActorRole.CUSTOMER)
    assert event.time == datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    assert event.data == {
        "text.subject": "电池起火",
        "text.body": "充电时冒烟",
        "channel": "email",
        "customer.id": "wang@example.com",
        "contact.name": "王芳",
        "contact.email": "Wang@Example.com",
    }


async def test_facts_by_other_names_or_left_out(http_server, desk):
    settings = {
        "url": http_server.url + "/api",
        "token": "secret-token",
        "webhook_secrets": [SECRET],
        "source": "helpdesk/eu",
        "channels": {"email": "mail"},
        "facts": {"subject": "title", "name": "", "email": ""},
    }
    connector = EscalatedConnector("desk", settings)
    event = await complete(connector, webhook("ticket.created"))
    await connector.close()
    assert event.source == "helpdesk/eu"
    assert sorted(event.data) == ["channel", "customer.id", "text.body", "title"]
    assert event.data["channel"] == "mail"


async def test_a_repeat_is_the_same_event_although_it_was_sent_later(connector, desk):
    number, _ = changed(desk, "priority", ANA, "medium", "high")
    changes = {"user_id": ANA, "old_priority": "medium", "new_priority": "high"}
    first = webhook("ticket.priority_changed", "2026-01-05T03:00:00+00:00", **changes)
    second = webhook("ticket.priority_changed", "2026-01-05T03:00:09+00:00", **changes)
    assert first[1] != second[1]
    assert connector.receive(*first) == connector.receive(*second)
    assert await complete(connector, first) == await complete(connector, second)
    assert (await complete(connector, first)).id == f"activity/{number}"


async def test_the_same_change_made_again_is_another_event(connector, desk):
    events = []
    for before, after in (("medium", "high"), ("high", "medium"), ("medium", "high")):
        _, given = changed(desk, "priority", ANA, before, after)
        events.append(await complete(connector, given))
    assert len({event.id for event in events}) == 3
    assert [event.data["override.priority"] for event in events] == ["P1", "P2", "P1"]


@pytest.mark.parametrize(
    ("theirs", "ours"), [("critical", "P0"), ("urgent", "P0"), ("high", "P1"), ("medium", "P2"), ("low", "P2")]
)
async def test_every_priority_of_theirs_has_one_of_ours(connector, desk, theirs, ours):
    _, given = changed(desk, "priority", ANA, "other", theirs)
    assert (await complete(connector, given)).data == {"override.priority": ours}


async def test_a_priority_set_by_an_automation_is_no_decision_of_a_person(connector, desk):
    _, given = changed(desk, "priority", None, "medium", "high")
    event = await complete(connector, given)
    assert (event.type, event.actor, event.data) == ("request.updated", ActorRole.SYSTEM, {})


async def test_a_department_set_by_a_person(connector, desk):
    desk.ticket["department"] = {"id": 2, "name": "vip"}
    desk.log("department_changed", {"old_department_id": None, "new_department_id": 2}, {"id": ANA})
    event = await complete(connector, webhook("ticket.department_changed", user_id=ANA, new_department_id=2))
    assert (event.actor, event.data) == (ActorRole.AGENT, {"override.department": "vip"})


@pytest.mark.parametrize(
    ("before", "after", "type_"),
    [
        ("open", "in_progress", "request.accepted"),
        ("in_progress", "waiting_on_customer", "request.on_hold"),
        ("waiting_on_customer", "waiting_on_agent", "request.resumed"),
        ("waiting_on_customer", "open", "request.resumed"),
        ("waiting_on_customer", "in_progress", "request.resumed"),
        ("in_progress", "resolved", "request.completed"),
        ("resolved", "closed", "request.closed"),
        ("closed", "reopened", "request.reopened"),
        ("open", "escalated", "request.updated"),
    ],
)
async def test_a_status(connector, desk, before, after, type_):
    number, given = changed(desk, "status", ANA, before, after)
    event = await complete(connector, given)
    assert (event.type, event.id, event.actor) == (type_, f"activity/{number}", ActorRole.AGENT)


@pytest.mark.parametrize(
    ("author", "type_", "actor"),
    [
        ({"id": ANA, "name": "Ana", "email": "ana@desk.test"}, "request.replied", ActorRole.AGENT),
        ({"id": WANG, "name": "王芳", "email": "Wang@Example.com"}, "request.customer_replied", ActorRole.CUSTOMER),
        (None, "request.customer_replied", ActorRole.CUSTOMER),
        ({"id": BOT, "name": "", "email": "bot@desk.test"}, "request.replied", ActorRole.SYSTEM),
    ],
    ids=["agent", "customer", "guest", "our account"],
)
async def test_a_reply(connector, desk, author, type_, actor):
    number = desk.say("还没有收到答复", author, internal=False)
    user = author["id"] if author else None
    event = await complete(connector, webhook("reply.created", user_id=user, reply_id=number, is_internal=False))
    assert (event.type, event.actor, event.id) == (type_, actor, f"reply/{number}")
    assert event.data == {"text.body": "还没有收到答复"}
    assert event.time == datetime(2026, 1, 5, 1, number, tzinfo=UTC)


async def test_the_text_of_an_internal_note_is_nobodys_fact(connector, desk):
    number = desk.say("customer is difficult", {"id": ANA}, internal=True)
    event = await complete(connector, webhook("note.created", user_id=ANA, reply_id=number))
    assert (event.type, event.actor, event.data) == ("request.updated", ActorRole.AGENT, {})


async def test_an_edit(connector, desk):
    desk.ticket["subject"] = "电池起火,有人受伤"
    given = webhook("ticket.updated", user_id=ANA, changes={"subject": "电池起火,有人受伤"})
    event = await complete(connector, given)
    assert (event.type, event.data["text.subject"]) == ("request.updated", "电池起火,有人受伤")
    assert connector.receive(*webhook("ticket.updated", changes={"metadata": {}})) == []


async def test_our_own_writes_are_known_here_at_once(connector, desk, http_server, make_delivery):
    await connector.deliver(make_delivery())
    http_server.calls.clear()
    assert connector.receive(*webhook("note.created", user_id=BOT, reply_id=1)) == []
    change = {"old_priority": "medium", "new_priority": "critical"}
    assert connector.receive(*webhook("ticket.priority_changed", user_id=BOT, **change)) == []
    assert connector.receive(*webhook("ticket.department_changed", user_id=BOT, new_department_id=2)) == []
    assert http_server.calls == []


async def test_the_echo_that_comes_before_the_answer_is_known(connector, desk, http_server, make_delivery):
    """The platform sends its webhook before it answers the write that caused it."""
    seen = []
    handle = http_server.handler

    def handle_and_call_back(call):
        if call.path.endswith("/priority/"):
            change = {"old_priority": "medium", "new_priority": call.json["priority"]}
            seen.append(connector.receive(*webhook("ticket.priority_changed", user_id=BOT, **change)))
        return handle(call)

    http_server.handler = handle_and_call_back
    await connector.deliver(make_delivery())
    assert seen == [[]]


async def test_a_person_doing_the_same_as_we_just_did_is_an_event(connector, desk, make_delivery):
    await connector.deliver(make_delivery())
    desk.log("priority_changed", {"old_priority": "high", "new_priority": "critical"}, {"id": ANA})
    given = webhook("ticket.priority_changed", user_id=ANA, old_priority="high", new_priority="critical")
    assert (await complete(connector, given)).data == {"override.priority": "P0"}


async def test_our_own_writes_are_known_in_another_worker_by_the_note(connector, http_server, desk, make_delivery):
    settings = {"url": http_server.url + "/api", "token": "secret-token", "webhook_secrets": [SECRET]}
    writer = EscalatedConnector("desk", settings)
    await writer.deliver(make_delivery())
    await writer.close()
    assert await complete(connector, webhook("note.created", user_id=BOT, reply_id=1)) is None
    change = {"old_priority": "medium", "new_priority": "critical"}
    assert await complete(connector, webhook("ticket.priority_changed", user_id=BOT, **change)) is None
    assert await complete(connector, webhook("ticket.department_changed", user_id=BOT, new_department_id=2)) is None


async def test_something_else_done_by_our_account_is_an_event(connector, desk, make_delivery):
    """Another program with our account: seen, though not taken for a person's choice."""
    await connector.deliver(make_delivery())
    _, given = changed(desk, "priority", BOT, "critical", "low")
    event = await complete(connector, given)
    assert (event.actor, event.data) == (ActorRole.SYSTEM, {})
    number = desk.say("imported", {"id": BOT}, internal=True)
    event = await complete(connector, webhook("note.created", user_id=BOT, reply_id=number))
    assert (event.id, event.actor) == (f"reply/{number}", ActorRole.SYSTEM)


async def test_waits_while_the_platform_cannot_be_asked(connector, http_server, desk, answer, fault):
    (raw,) = connector.receive(*webhook("ticket.created"))
    http_server.faults = [answer(429, {"Retry-After": "60"})]
    with pytest.raises(PlatformUnavailable) as caught:
        await connector.complete(raw)
    assert caught.value.retry_after == 60.0
    http_server.faults = [fault.RESET]
    with pytest.raises(PlatformUnavailable):
        await connector.complete(raw)
    assert (await connector.complete(raw)).id == "ticket/1"


async def test_a_ticket_deleted_meanwhile_is_no_event(connector):
    assert await complete(connector, webhook("ticket.created", reference="ESC-GONE00")) is None


async def test_an_event_of_somebody_else_is_left_alone(connector, http_server):
    event = (await complete(connector, webhook("ticket.created")),)[0]
    http_server.calls.clear()
    assert await connector.complete(event) is event
    assert http_server.calls == []
