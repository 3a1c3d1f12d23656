"""What goes out to a django-helpdesk and what comes in from it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerby.domain.errors import InvalidInput
from answerby.domain.event import ActorRole, EventType
from answerby_connectors.kit.base import DONE, InvalidSignature, OutcomeKind
from answerby_connectors.kit.signing.signatures import PATH_SECRET
from tests.kit.platforms.django_helpdesk import ANA, SECRET

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PATH = {PATH_SECRET: SECRET}


async def polled(connector):
    events, cursor = [], ""
    while True:
        page = await connector.poll(cursor, LONG_AGO)
        assert page.problems == ()
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events


async def hooked(connector, helpdesk):
    """The events of all webhooks until now."""
    raw = [event for headers, body in helpdesk.hooks for event in connector.receive(headers, body)]
    return [made for event in raw if (made := await connector.complete(event))]


async def test_writes_everything_once_in_two_calls(connect, helpdesk, delivery_of):
    connector = connect(fields={"category": "custom_category", "owner": "assigned_to"}, people={"ana": ANA})
    payload = {"category": "complaint", "priority": "P0", "department": "vip", "owner": "ana"}
    due = {"due.resolution": "2026-01-07T18:00:00+08:00"}
    for _ in range(2):
        assert await connector.deliver(delivery_of(payload={**payload, **due})) == DONE
    fields, note = helpdesk.writes
    assert fields == {
        "priority": "1",
        "queue": 2,
        "assigned_to": 7,
        "custom_category": "complaint",
        "due_date": "2026-01-07T10:00:00Z",
    }
    assert (note["ticket"], note["public"], "title" in note) == (4711, False, False)


async def test_a_refusal_names_its_fields_and_the_others_are_written(connect, helpdesk, delivery_of):
    connector = connect(fields={"category": "custom_category", "role": "custom_nothing"})
    payload = {"priority": "P1", "category": "smoke", "role": "quality", "department": "moon"}
    outcome = await connector.deliver(delivery_of(payload=payload))
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.refused == (
        "there is no department moon",
        """HTTP 400: ['"smoke" is not a valid choice.']""",
        "update ticket: the role is still another one",
    )
    assert helpdesk.tickets[4711]["priority"] == 2
    assert "there is no department moon" in helpdesk.notes()[0]


async def test_a_level_set_by_hand_that_means_the_same_stays(connector, helpdesk, delivery_of):
    helpdesk.tickets[4711]["priority"] = 5
    await connector.deliver(delivery_of(payload={"priority": "P2"}))
    assert helpdesk.tickets[4711]["priority"] == 5


@pytest.mark.parametrize(
    "text", ["{{ ticket.title }}", "{% debug %}", "%}", "{# x #}", "X-HELPDESK-COMMENT-VERBATIM", "#4712"]
)
async def test_a_note_is_no_template_of_django_and_links_to_no_ticket(connector, helpdesk, delivery_of, text):
    helpdesk.new()
    assert await connector.deliver(delivery_of(payload={"because": [text]})) == DONE
    assert len(helpdesk.tickets[4712]["followup_set"]) == 1


async def test_a_token_of_another_account_holds_the_connector(connector, helpdesk, delivery_of):
    helpdesk.account = ANA
    outcome = await connector.deliver(delivery_of())
    assert outcome.kind is OutcomeKind.HELD
    assert "account 7" in outcome.detail
    assert len(helpdesk.notes()) == 1


async def test_webhooks_and_polls_bring_the_same_events(connector, connect, helpdesk, delivery_of):
    helpdesk.say(4711, None, "still smoking", public=True, mail="<1@example.com>")
    helpdesk.say(4711, ANA, "we come", public=True)
    helpdesk.say(4711, ANA, "a secret")
    await connector.deliver(delivery_of())
    helpdesk.say(4711, ANA, "done", public=True, status=3)
    helpdesk.say(4711, None, status=2, public=True)
    helpdesk.say(4711, ANA, title="Assigned to ana")
    helpdesk.say(4711, ANA, title="Ticket placed on hold", public=True)
    helpdesk.say(4711, ANA, title="Ticket taken off hold", public=True)
    helpdesk.say(4711, None, "after 3 days", title="Ticket Escalated", public=True)
    events = await polled(connect())
    assert [(one.type, one.actor, one.data.get("text.body")) for one in events] == [
        (EventType.RECEIVED, ActorRole.CUSTOMER, "充电时冒烟"),
        (EventType.CUSTOMER_REPLIED, ActorRole.CUSTOMER, "still smoking"),
        (EventType.REPLIED, ActorRole.AGENT, "we come"),
        (EventType.UPDATED, ActorRole.AGENT, None),
        (EventType.REPLIED, ActorRole.AGENT, "done"),
        (EventType.COMPLETED, ActorRole.AGENT, None),
        (EventType.REOPENED, ActorRole.CUSTOMER, None),
        (EventType.UPDATED, ActorRole.AGENT, None),
        (EventType.ON_HOLD, ActorRole.AGENT, None),
        (EventType.RESUMED, ActorRole.AGENT, None),
        (EventType.UPDATED, ActorRole.SYSTEM, None),
    ]
    assert await hooked(connect(), helpdesk) == events
    assert events[0].data == {
        "text.subject": "电池起火",
        "text.body": "充电时冒烟",
        "customer.id": "wang@example.com",
        "contact.email": "Wang@Example.com",
    }


async def test_an_edited_description_does_not_change_what_arrived(connector, helpdesk):
    before = await polled(connector)
    helpdesk.tickets[4711]["description"] = "edited"
    assert await polled(connector) == before


async def test_follow_ups_over_many_pages_all_come(connector, helpdesk):
    for _ in range(120):
        helpdesk.new()
    for number in range(4711, 4832):
        helpdesk.say(number, ANA, "we come", public=True)
    events = await polled(connector)
    assert {one.id for one in events} == {
        *(f"ticket/{number}" for number in range(4711, 4832)),
        *(f"followup/{number}" for number in range(1021, 1142)),
    }


async def test_a_ticket_of_one_time_with_many_others_is_found(connector, helpdesk):
    helpdesk.tick = lambda seconds=60: None
    for _ in range(130):
        helpdesk.new()
    assert {int(one.request_id) for one in await polled(connector)} == set(range(4711, 4842))


def test_a_webhook_without_the_secret_is_refused(connect, helpdesk):
    body = helpdesk.hooks[0][1]
    for headers in ({}, {PATH_SECRET: "hook secreT"}):
        with pytest.raises(InvalidSignature):
            connect().receive(headers, body)
    with pytest.raises(InvalidSignature):
        connect(webhook_secrets=[]).receive(PATH, body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"ticket": 4}', b'{"ticket": {"id": 4711}}'])
def test_a_body_of_another_form_is_refused(connector, body):
    with pytest.raises(InvalidInput):
        connector.receive(PATH, body)


async def test_a_ticket_that_was_merged_is_written_to_where_it_is_now(connector, helpdesk, delivery_of):
    helpdesk.new()
    helpdesk.tickets[4711] |= {"merged_to": 4712, "followup_set": []}
    assert await connector.deliver(delivery_of()) == DONE
    assert len(helpdesk.notes(4712)) == 1
