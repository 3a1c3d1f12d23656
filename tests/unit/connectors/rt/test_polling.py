"""Transactions of tickets into events, by polling."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import OutcomeKind, PlatformUnavailable, PollingConnector
from tests.kit.platforms.inbound import SINCE, sweep
from tests.kit.platforms.rt import ANA, BOT, WANG


def told(events) -> list[tuple]:
    return [(event.type, event.actor, event.data) for event in events]


async def test_a_new_ticket(connector, rt):
    assert isinstance(connector, PollingConnector)
    (event,), _ = await sweep(connector)
    assert (event.source, event.id, event.request_id) == ("rt/desk", "ticket/4711", "4711")
    assert (event.type, event.actor, event.actor_id) == ("request.received", ActorRole.CUSTOMER, WANG)
    assert event.time == datetime(2026, 1, 5, 1, 1, tzinfo=UTC)
    assert event.data == {
        "text.subject": "电池起火",
        "text.body": "充电时冒烟",
        "customer.id": WANG,
        "contact.email": WANG,
    }


async def test_a_ticket_that_an_agent_made_without_a_requestor(connector, rt):
    number = rt.new("a note to ourselves", requestor="")
    events, _ = await sweep(connector)
    (event,) = [event for event in events if event.request_id == str(number)]
    assert (event.actor_id, "contact.email" in event.data) == (ANA, False)


async def test_what_changed_comes_once_and_in_order(connector, rt):
    _, cursor = await sweep(connector)
    rt.say(4711, WANG, "还在冒烟")
    rt.say(4711, ANA, "<p>We look<br>into&nbsp;it.</p>", content_type="text/html")
    rt.say(4711, ANA, "difficult", "Comment")
    rt.update(4711, {"Status": "stalled", "Priority": "50", "Queue": "3", "CustomFields": {"2": "complaint"}})
    rt.update(4711, {"Status": "open", "Subject": "电池着火"})
    rt.update(4711, {"Status": "resolved"})
    rt.update(4711, {"Status": "open"}, WANG)
    events, cursor = await sweep(connector, cursor)
    assert told(events[1:]) == [
        ("request.customer_replied", "customer", {"text.body": "还在冒烟"}),
        ("request.accepted", "system", {}),
        ("request.replied", "agent", {"text.body": "We look\ninto it."}),
        ("request.updated", "agent", {}),
        ("request.on_hold", "agent", {}),
        ("request.updated", "agent", {"override.priority": "P1"}),
        ("request.updated", "agent", {"override.department": "vip"}),
        ("request.updated", "agent", {"override.category": "complaint"}),
        ("request.resumed", "agent", {}),
        ("request.updated", "agent", {"text.subject": "电池着火"}),
        ("request.completed", "agent", {}),
        ("request.reopened", "customer", {}),
    ]
    assert events[0].data["text.subject"] == "电池起火", "the arrival has the subject of the arrival"
    assert len({event.id for event in events}) == len(events)
    again, _ = await sweep(connector, cursor)
    assert all(event in events for event in again)


async def test_attachments_stay_where_they_are(connector, rt):
    rt.tick()
    texts = {"text/plain;log.txt": "secret log", "text/html": "<b>it</b> burns", "image/png;fire.png": "x"}
    rt.record(4711, WANG, "Correspond", texts=texts)
    events, _ = await sweep(connector)
    assert told(events[1:]) == [("request.customer_replied", "customer", {"text.body": "it burns"})]


async def test_our_own_writes_are_no_events_and_what_our_account_says_otherwise_is_one(connector, rt, delivery_of):
    await connector.deliver(delivery_of(payload={"priority": "P0", "category": "complaint", "department": "vip"}))
    rt.say(4711, BOT, "written with our token by a script")
    events, _ = await sweep(connector)
    assert [(event.type, event.actor) for event in events] == [
        ("request.received", "customer"),
        ("request.replied", "system"),
        ("request.accepted", "system"),
    ]


async def test_an_owner_that_a_person_chose_is_named_by_login(connect, rt):
    connector = connect(fields={"role": "owner"}, by_hand=["role"])
    rt.update(4711, {"Owner": ANA}, WANG)
    rt.update(4711, {"Owner": BOT}, ANA)
    events, _ = await sweep(connector)
    assert [event.data for event in events[1:]] == [{}, {"override.role": BOT}]


async def test_only_the_queues_of_the_settings_whatever_they_are_called(connect, rt):
    odd = rt.new(Queue="4")
    rt.new(Queue="3")
    events, _ = await sweep(connect(queues=['it\'s "new"', "General"]))
    assert {event.request_id for event in events} == {"4711", str(odd)}


async def test_more_tickets_than_a_page(connector, rt):
    for _ in range(204):
        rt.new()
        rt.tick(-60)  # all within one second
    events, _ = await sweep(connector)
    assert len({event.request_id for event in events}) == 205


@pytest.mark.parametrize("zone", ["Asia/Shanghai", ""])
async def test_a_user_in_another_time_zone_reads_and_writes_nothing(connector, rt, delivery_of, zone):
    """RT reads the times of a search in the zone of the user, so changes would be missed."""
    rt.zone = zone
    with pytest.raises(PlatformUnavailable, match="set the time zone of this user to UTC"):
        await connector.poll("", SINCE)
    outcome = await connector.deliver(delivery_of())
    assert (outcome.kind, rt.writes) == (OutcomeKind.HELD, [])
    (finding,) = await connector.check()
    assert (finding.good, "time zone" in finding.text) == (False, True)


async def test_the_account_of_somebody_else_is_noticed(connect):
    with pytest.raises(PlatformUnavailable, match="name the user of the token in `account`"):
        await connect(account=ANA).poll("", SINCE)


async def test_what_a_check_finds(connect, rt):
    values = {"department": {"vip": "vip", "quality": "QA"}}
    found = await connect(values=values).check()
    assert [(one.good, one.text) for one in found] == [
        (True, "logged in as the account answerby"),
        (True, "priority goes to priority"),
        (True, "department goes to queue, which has 3 choices"),
        (False, "department quality leads nowhere: queue has no QA"),
        (True, "due.resolution goes to due"),
        (True, "category goes to cf_2"),
    ]
    assert rt.writes == []
