"""What a Freshdesk's changes become."""

from __future__ import annotations

from datetime import UTC, datetime

from answerby.domain.event import ActorRole, EventType
from tests.kit.platforms.freshdesk import ANA, WANG

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def all_of(connector):
    events, cursor = [], ""
    while True:
        page = await connector.poll(cursor, LONG_AGO)
        assert page.problems == ()
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events


async def test_a_ticket_and_its_messages(connector, freshdesk):
    freshdesk.say(4711, WANG, "<p>still smoking</p>", incoming=True)
    freshdesk.say(4711, ANA, "we come")
    freshdesk.say(4711, ANA, "a secret", private=True)
    events = await all_of(connector)
    assert [(one.type, one.actor, one.actor_id) for one in events] == [
        (EventType.RECEIVED, ActorRole.CUSTOMER, "9"),
        (EventType.CUSTOMER_REPLIED, ActorRole.CUSTOMER, "9"),
        (EventType.REPLIED, ActorRole.AGENT, "7"),
        (EventType.UPDATED, ActorRole.AGENT, "7"),
    ]
    assert events[0].data == {"text.subject": "电池起火", "text.body": "充电时冒烟", "customer.id": "9"}
    assert [one.data.get("text.body") for one in events[1:]] == ["still smoking", "we come", None]


async def test_the_latest_change_of_the_status(connect, freshdesk):
    seen = []
    for status in (3, 2, 4, 2, 5):
        freshdesk.update(4711, {"status": status})
        seen.append((await all_of(connect()))[-1].type)
    assert seen == [
        EventType.ON_HOLD,
        EventType.RESUMED,
        EventType.COMPLETED,
        EventType.REOPENED,
        EventType.CLOSED,
    ]


async def test_a_status_that_we_set_is_no_event_and_the_same_one_of_a_person_later_is(connect, freshdesk, delivery_of):
    settings = {"fields": {"status": "status"}, "values": {"status": {"waiting": "Pending"}}}
    await connect(**settings).deliver(delivery_of(payload={"status": "waiting"}))
    assert freshdesk.tickets[4711]["status"] == 3
    assert [one.type for one in await all_of(connect(**settings))] == [EventType.RECEIVED]
    for status in (2, 3):
        freshdesk.update(4711, {"status": status})
    assert [one.type for one in await all_of(connect(**settings))] == [EventType.RECEIVED, EventType.ON_HOLD]


async def test_many_tickets_of_one_second_come_once_each_over_pages(connector, freshdesk):
    freshdesk.tick = lambda seconds=60: None
    for _ in range(60):
        freshdesk.new()
    events = await all_of(connector)
    assert sorted(int(one.request_id) for one in events) == list(range(4711, 4772))


async def test_a_status_of_the_accounts_own_goes_by_its_number(connect, freshdesk):
    freshdesk.tickets[4711] |= {"status": 6}
    freshdesk.tick()
    freshdesk.tickets[4711]["stats"]["status_updated_at"] = freshdesk.time
    events = await all_of(connect(statuses={"6": EventType.ON_HOLD}))
    assert [one.type for one in events] == [EventType.RECEIVED, EventType.ON_HOLD]


async def test_a_changed_ticket_costs_two_calls(connector, http_server, freshdesk):
    await all_of(connector)
    assert [call.path.partition("?")[0] for call in http_server.calls] == [
        "/agents/me",
        "/tickets",
        "/tickets/4711",
        "/tickets/4711/conversations",
    ]
