"""The escalated connector against the real help desk, from a ticket to its webhook and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby.domain.event import ActorRole
from answerby_connectors.escalated import EscalatedConnector
from answerby_connectors.kit.base import Delivery, InvalidSignature, OutcomeKind

pytestmark = pytest.mark.platform

PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "quality",
    "tags": ["safety", "not there"],
    "due.first_response": "2026-01-05T01:15:00+00:00",
    "because": ["产品安全问题一律按投诉处理 (safety-complaint)"],
}


@pytest.fixture
async def connector(desk, hook_secret) -> AsyncIterator[EscalatedConnector]:
    made = connect(desk, hook_secret)
    yield made
    await made.close()


def connect(desk, hook_secret: str, token: str = "bot") -> EscalatedConnector:
    settings = {"url": desk.url, "token": desk.tokens[token], "webhook_secrets": ["older", hook_secret]}
    return EscalatedConnector("desk", settings)


def delivery(reference: str, effect_id: str = "e1" * 16, **fields: Any) -> Delivery:
    effect = Effect(kind=EffectKind.UPDATE_REQUEST, key="update", payload=fields.pop("payload", PAYLOAD))
    return Delivery(
        effect_id=effect_id, tenant="acme", request_id=reference, number="202601-QA-001", effect=effect, **fields
    )


async def create(desk, account: str = "customer", **fields: Any) -> str:
    content = {"subject": "电池起火", "description": "The battery caught fire 🔥", **fields}
    return (await desk.acall("POST", "tickets/create/", content, account=account))["data"]["reference"]


async def show(desk, reference: str) -> dict[str, Any]:
    return (await desk.acall("GET", f"tickets/{reference}/"))["data"]


def notes(ticket: dict[str, Any]) -> list[str]:
    return [reply["body"] for reply in ticket["replies"] if reply["is_internal_note"]]


async def events_of(connector, webhook) -> list[Any]:
    received = connector.receive(webhook.headers, webhook.body)
    completed = [await connector.complete(event) for event in received]
    return [event for event in completed if event is not None]


async def test_a_ticket_becomes_an_event(desk, connector, receiver):
    reference = await create(desk)
    (event,) = await events_of(connector, await receiver.take("ticket.created"))

    ticket = await show(desk, reference)
    assert (event.source, event.id, event.type) == ("escalated/desk", f"ticket/{ticket['id']}", "request.received")
    assert event.request_id == reference
    assert event.time.isoformat() == ticket["created_at"]
    assert event.actor is ActorRole.CUSTOMER
    assert event.data == {
        "text.subject": "电池起火",
        "text.body": "The battery caught fire 🔥",
        "channel": "other",
        "customer.id": "customer@desk.test",
        "contact.name": "customer",
        "contact.email": "customer@desk.test",
    }


async def test_a_webhook_with_a_changed_body_is_refused(desk, connector, receiver):
    await create(desk)
    webhook = await receiver.take("ticket.created")
    with pytest.raises(InvalidSignature):
        connector.receive(webhook.headers, webhook.body.replace(b"medium", b"urgent"))


async def test_a_repeated_webhook_is_the_same_event(desk, connector, receiver):
    receiver.refuse = 2
    await create(desk)
    attempts = [await receiver.take("ticket.created") for _ in range(3)]
    assert len({webhook.body for webhook in attempts}) == 3
    raw = [connector.receive(webhook.headers, webhook.body)[0] for webhook in attempts]
    whole = [await connector.complete(event) for event in raw]
    assert raw[0] == raw[1] == raw[2]
    assert whole[0] == whole[1] == whole[2]


async def test_a_decision_is_written_back_once(desk, connector, receiver):
    reference = await create(desk)
    outcome = await connector.deliver(delivery(reference))
    assert outcome.kind is OutcomeKind.DONE, outcome.detail

    ticket = await show(desk, reference)
    assert ticket["priority"] == "critical"
    assert ticket["department"]["name"] == "quality"
    assert {tag["name"] for tag in ticket["tags"]} == {"answerby:category=complaint", "safety"}
    (note,) = notes(ticket)
    for part in ("202601-QA-001", "complaint", "2026-01-05 01:15 +0000", "产品安全问题一律按投诉处理", "e1" * 16):
        assert part in note

    assert (await connector.deliver(delivery(reference, attempt=2, previous_unknown=True))).kind is OutcomeKind.DONE
    assert len(notes(await show(desk, reference))) == 1
    assert ticket["activities"] == (await show(desk, reference))["activities"]


async def test_our_own_writes_are_no_events_here_or_in_another_worker(desk, connector, receiver, hook_secret):
    reference = await create(desk)
    assert (await connector.deliver(delivery(reference))).kind is OutcomeKind.DONE
    other = connect(desk, hook_secret)
    for name in ("note.created", "ticket.priority_changed", "ticket.department_changed"):
        webhook = await receiver.take(name)
        assert connector.receive(webhook.headers, webhook.body) == []
        assert await events_of(other, webhook) == []
    await other.close()


async def test_what_a_person_changes_is_an_event(desk, connector, receiver):
    reference = await create(desk)
    await connector.deliver(delivery(reference))
    await receiver.take("ticket.priority_changed")

    await desk.acall("PATCH", f"tickets/{reference}/priority/", {"priority": "high"})
    await desk.acall("PATCH", f"tickets/{reference}/priority/", {"priority": "critical"})
    first, second = [await receiver.take("ticket.priority_changed") for _ in range(2)]
    (lowered,) = await events_of(connector, first)
    (raised,) = await events_of(connector, second)
    assert (lowered.type, lowered.actor, lowered.data) == (
        "request.updated",
        ActorRole.AGENT,
        {"override.priority": "P1"},
    )
    assert raised.data == {"override.priority": "P0"}
    assert lowered.id != raised.id
    assert lowered.time < raised.time


async def test_replies_status_and_assignment(desk, connector, receiver):
    reference = await create(desk)
    await desk.acall("POST", f"tickets/{reference}/reply/", {"body": "We are on it."})
    await desk.acall("POST", f"tickets/{reference}/reply/", {"body": "谢谢"}, account="customer")
    await desk.acall("POST", f"tickets/{reference}/reply/", {"body": "ask QA", "is_internal_note": True})
    await desk.acall("PATCH", f"tickets/{reference}/status/", {"status": "resolved"})
    await desk.acall("POST", f"tickets/{reference}/assign/", {"agent_id": 2})

    seen = []
    for name in ("reply.created", "reply.created", "note.created", "ticket.assigned"):
        seen += await events_of(connector, await receiver.take(name))
    assert [(e.type, e.actor.value, e.data) for e in seen] == [
        ("request.replied", "agent", {"text.body": "We are on it."}),
        ("request.customer_replied", "customer", {"text.body": "谢谢"}),
        ("request.updated", "agent", {}),
        ("request.assigned", "agent", {}),
    ]
    statuses = []
    for _ in range(3):
        statuses += await events_of(connector, await receiver.take("ticket.status_changed"))
    assert [e.type for e in statuses] == ["request.on_hold", "request.resumed", "request.completed"]
    assert len({e.id for e in seen + statuses}) == 7


async def test_what_the_platform_does_not_have_is_said_in_the_note(desk, connector):
    reference = await create(desk)
    payload = {"category": "complaint", "priority": "P1", "department": "hardware"}
    assert (await connector.deliver(delivery(reference, payload=payload))).kind is OutcomeKind.DONE
    without_macro = {"priority": "P1", "department": "nobody"}
    assert (await connector.deliver(delivery(reference, "f2" * 16, payload=without_macro))).kind is OutcomeKind.DONE
    ticket = await show(desk, reference)
    assert (ticket["priority"], ticket["department"]) == ("high", None)
    first, second = notes(ticket)
    assert "! there is no department hardware" in first
    assert "! move the ticket to department nobody" in second


async def test_a_limit_half_way_is_obeyed_and_doubles_nothing(limited_desk, receiver, hook_secret):
    """Four calls: who we are, the ticket, its tags, the note; the fifth is one too many."""
    reference = await create(limited_desk)
    first = connect(limited_desk, hook_secret)
    outcome = await first.deliver(delivery(reference, payload={"priority": "P0"}))
    await first.close()
    assert (outcome.kind, outcome.detail) == (OutcomeKind.RETRY, "set priority: HTTP 429")
    assert outcome.retry_after == 60.0
    half = await show(limited_desk, reference)
    assert (half["priority"], len(notes(half))) == ("medium", 1)

    # The budget is of a token: with another one of the same account there is no need to wait.
    again = connect(limited_desk, hook_secret, token="bot again")
    assert (await again.deliver(delivery(reference, payload={"priority": "P0"}, attempt=2))).kind is OutcomeKind.DONE
    await again.close()
    whole = await show(limited_desk, reference)
    assert (whole["priority"], len(notes(whole))) == ("critical", 1)


async def test_a_ticket_that_is_gone(desk, connector, receiver):
    reference = await create(desk)
    webhook = await receiver.take("ticket.created")
    await desk.acall("DELETE", f"tickets/{reference}/delete/")
    assert await events_of(connector, webhook) == []
    outcome = await connector.deliver(delivery(reference))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")


async def test_tags_follow_the_decision_and_leave_those_of_others(desk, connector):
    keep = (await desk.acall("GET", "tags/"))["data"]
    keep_id = next(tag["id"] for tag in keep if tag["name"] == "keep")
    reference = await create(desk, tags=[keep_id])
    await connector.deliver(delivery(reference, payload={"category": "complaint"}))
    await connector.deliver(delivery(reference, "f2" * 16, payload={"category": "consultation"}))
    assert {tag["name"] for tag in (await show(desk, reference))["tags"]} == {"keep", "answerby:category=consultation"}

    bare = await create(desk)
    await connector.deliver(delivery(bare, payload={"category": "complaint"}))
    await connector.deliver(delivery(bare, "f2" * 16, payload={"category": "unclassified"}))
    assert (await show(desk, bare))["tags"] == []
