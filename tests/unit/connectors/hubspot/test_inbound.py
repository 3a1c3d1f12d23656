"""Which events webhooks and polls of a HubSpot become, and that both tell the same."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole, EventType
from answerby_connectors.kit.base import InvalidSignature
from tests.kit.platforms.hubspot import HOOK, SECRET, signed

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
RECEIVED = (
    EventType.RECEIVED,
    ActorRole.CUSTOMER,
    "contact:501",
    {"text.subject": "电池起火", "text.body": "充电时冒烟", "channel": "email", "customer.id": "501"},
)


async def polled(connector):
    page = await connector.poll("", LONG_AGO)
    assert (page.problems, page.more) == ((), False)
    return list(page.events)


async def hooked(connector, told):
    raw = connector.receive(*signed(told))
    return [event for event in [await connector.complete(one) for one in raw] if event is not None]


def told(events):
    return [(one.type, one.actor, one.actor_id, one.data) for one in events]


async def test_what_people_do_becomes_events(connect, hubspot):
    connector = connect(fields={"department": "hs_pipeline"})
    hubspot.by_ana(hs_ticket_priority="HIGH")
    hubspot.by_ana(hs_pipeline_stage="2")
    hubspot.mail("since noon", "INCOMING_EMAIL")
    hubspot.by_ana(hs_pipeline_stage="3")
    hubspot.mail("we come", "EMAIL")
    hubspot.add("notes", {"hs_note_body": "<b>secret</b>", "hs_created_by_user_id": 7}, hs_object_source="CRM_UI")
    hubspot.by_ana(subject="Battery on fire")
    hubspot.by_ana(hs_pipeline_stage="4")
    agent = ActorRole.AGENT
    assert told(await polled(connector)) == [
        RECEIVED,
        (EventType.UPDATED, agent, "user:7", {"override.priority": "P1"}),
        (EventType.ON_HOLD, agent, "user:7", {}),
        (EventType.CUSTOMER_REPLIED, ActorRole.CUSTOMER, "contact:501", {"text.body": "since noon"}),
        (EventType.RESUMED, agent, "user:7", {}),
        (EventType.REPLIED, agent, "user:7", {"text.body": "we come"}),
        (EventType.UPDATED, agent, "user:7", {}),
        (EventType.UPDATED, agent, "user:7", {"text.subject": "Battery on fire"}),
        (EventType.CLOSED, agent, "user:7", {}),
    ]


async def test_webhooks_bring_the_events_of_a_poll(connect, hubspot):
    hubspot.by_ana(hs_ticket_priority="HIGH")
    hubspot.by_ana(hs_ticket_priority="MEDIUM", hs_pipeline_stage="2")
    events = await hooked(connect(), hubspot.hooks)
    by_id = {one.id: one for one in events}
    assert len(by_id) == len(events) == 4
    assert by_id == {one.id: one for one in await polled(connect())}


async def test_what_a_workflow_or_another_app_sets_is_not_set_by_hand(connector, hubspot):
    hubspot.update({"hs_ticket_priority": "HIGH"}, {"sourceType": "AUTOMATION_PLATFORM", "sourceId": "userId:7"})
    hubspot.update({"hs_ticket_priority": "URGENT"}, {"sourceType": "INTEGRATION", "sourceId": "99"})
    assert told(await polled(connector))[1:] == [
        (EventType.UPDATED, ActorRole.SYSTEM, "", {}),
        (EventType.UPDATED, ActorRole.SYSTEM, "app:99", {}),
    ]


async def test_our_own_writes_are_no_events(connect, hubspot, delivery_of):
    connector = connect(fields={"department": "hs_pipeline"})
    await connector.deliver(delivery_of(payload={"priority": "P0", "department": "vip"}))
    echoes = [one for one in hubspot.hooks if one["changeSource"] == "INTEGRATION"]
    assert [one["propertyName"] for one in echoes] == ["hs_ticket_priority", "hs_pipeline", "hs_pipeline_stage"]
    for reader in (connector, connect(fields={"department": "hs_pipeline"})):
        assert told(await polled(reader)) == [RECEIVED]
        assert await hooked(reader, echoes) == []


async def test_a_batch_leaves_out_what_does_not_count(connector, hubspot):
    hubspot.by_ana(hs_ticket_priority="HIGH")
    change = hubspot.hooks[-1]
    odd = [
        {**change, "propertyName": "hs_last_email_date"},
        {**change, "subscriptionType": "contact.propertyChange"},
        {**change, "subscriptionType": "object.propertyChange", "objectTypeId": "0-1"},
        {**change, "subscriptionType": "ticket.deletion"},
        {**change, "subscriptionType": "ticket.associationChange"},
        {},
        "no object",
    ]
    newer = {**change, "subscriptionType": "object.propertyChange", "objectTypeId": "0-5"}
    assert [one.id for one in connector.receive(*signed([*odd, newer]))] == ["webhook/1001/25"]


async def test_a_deleted_ticket_brings_nothing(connector, hubspot):
    gone = {**hubspot.hooks[0], "objectId": 12}
    assert await hooked(connector, [gone]) == []


def test_a_signature_that_is_wrong_old_or_of_an_older_form_is_refused(connect, hubspot):
    headers, body = signed(hubspot.hooks)
    connect().receive(headers, body)
    older = {"X-HubSpot-Signature": "0" * 64, "X-HubSpot-Signature-Version": "v1"}
    old, old_body = signed(hubspot.hooks, time.time() - 301)
    for connector, given, text in [
        (connect(), {}, body),
        (connect(), older, body),
        (connect(), old, old_body),
        (connect(), headers, body + b" "),
        (connect(webhook_url=HOOK + "/"), headers, body),
        (connect(webhook_secrets=["another secret"]), headers, body),
        (connect(webhook_secrets=[]), headers, body),
        (connect(webhook_url=""), headers, body),
    ]:
        with pytest.raises(InvalidSignature):
            connector.receive(given, text)
    connect(webhook_secrets=["the new one", SECRET]).receive(headers, body)


@pytest.mark.parametrize("told", [{}, "x", 1])
def test_a_body_that_is_no_list_is_refused(connector, told):
    with pytest.raises(InvalidInput):
        connector.receive(*signed(told))
    assert json.dumps(told)


async def test_a_ticket_costs_two_calls_and_one_for_each_kind_of_message(connector, http_server, hubspot):
    hubspot.add("notes", {"hs_note_body": "x"})
    await polled(connector)
    assert [call.path.partition("?")[0] for call in http_server.calls] == [
        "/oauth/v2/private-apps/get/access-token-info",
        "/crm/v3/objects/tickets/search",
        "/crm/v3/objects/tickets/4711",
        "/crm/v3/objects/notes/batch/read",
    ]
