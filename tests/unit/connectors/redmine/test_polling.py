"""Changes of issues into events, by polling."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from answerby.domain.event import ActorRole
from answerby_connectors.kit.base import PlatformRefuses, PlatformUnavailable, PollingConnector
from tests.kit.platforms.inbound import SINCE, sweep
from tests.kit.platforms.redmine import ANA, BOT, KEY, WANG


def kinds(events) -> list[tuple[str, str, str]]:
    return [(event.id, event.type, event.actor) for event in events]


def test_is_a_polling_connector(connector):
    assert isinstance(connector, PollingConnector)
    assert connector.poll_seconds == 60.0


async def test_a_new_issue(connector, redmine):
    (event,), _ = await sweep(connector)
    assert (event.source, event.id, event.request_id) == ("redmine/desk", "ticket/4711", "4711")
    assert (event.type, event.actor, event.actor_id) == ("request.received", ActorRole.CUSTOMER, "9")
    assert event.time == datetime(2026, 1, 5, 1, 1, tzinfo=UTC)
    assert event.data == {
        "text.subject": "电池起火",
        "text.body": "充电时冒烟",
        "customer.id": "9",
        "contact.name": "王芳",
    }


async def test_what_changed_comes_once_and_in_order(connector, redmine):
    _, cursor = await sweep(connector)
    redmine.update(4711, {"notes": "还在冒烟"}, WANG)
    redmine.update(4711, {"status_id": 2, "priority_id": 4}, ANA)
    redmine.update(4711, {"notes": "We look into it.", "status_id": 4}, ANA)
    redmine.update(4711, {"notes": "difficult", "private_notes": True}, ANA)
    redmine.update(4711, {"status_id": 5}, ANA)
    redmine.update(4711, {"status_id": 1}, WANG)
    events, cursor = await sweep(connector, cursor)
    assert kinds(events[-8:]) == [
        ("journal/901", "request.customer_replied", "customer"),
        ("journal/902", "request.updated", "agent"),
        ("journal/902/status", "request.accepted", "agent"),
        ("journal/903", "request.replied", "agent"),
        ("journal/903/status", "request.on_hold", "agent"),
        ("journal/904", "request.updated", "agent"),
        ("journal/905", "request.closed", "agent"),
        ("journal/906", "request.reopened", "customer"),
    ]
    by_id = {event.id: event for event in events}
    assert by_id["journal/901"].data == {"text.body": "还在冒烟"}
    assert by_id["journal/902"].data == {"override.priority": "P0"}
    assert by_id["journal/904"].data == {}
    assert by_id["journal/906"].time == datetime(2026, 1, 5, 1, 7, tzinfo=UTC)
    redmine.tick(600)
    again, _ = await sweep(connector, cursor)
    assert {event.id for event in again} <= {"journal/904", "journal/905", "journal/906"}


async def test_a_closed_issue_is_found_too(connector, redmine):
    _, cursor = await sweep(connector)
    redmine.update(4711, {"status_id": 5}, ANA)
    events, _ = await sweep(connector, cursor)
    assert events[-1].type == "request.closed"


async def test_what_arrived_keeps_its_content_whatever_is_edited_later(connector, redmine):
    (before,), _ = await sweep(connector)
    redmine.update(4711, {"subject": "电池起火,有人受伤", "description": "x"}, ANA)
    redmine.update(4711, {"subject": "Y"}, ANA)
    events, _ = await sweep(connector)
    assert events[0] == before
    assert [event.data for event in events[1:]] == [
        {"text.subject": "电池起火,有人受伤", "text.body": "x"},
        {"text.subject": "Y"},
    ]


async def test_our_own_writes_are_no_events_in_any_worker(connect, redmine, delivery_of):
    writer, reader = connect(), connect()
    _, cursor = await sweep(reader)
    await writer.deliver(
        delivery_of(payload={"priority": "P0", "department": "vip", "due.resolution": "2026-01-07T18:00:00+08:00"})
    )
    assert len(redmine.issues[4711]["journals"]) == 2
    for connector in (writer, reader):
        assert [event.id for event in (await sweep(connector, cursor))[0]] == ["ticket/4711"]


async def test_something_else_done_by_our_account_is_an_event_of_a_program(connector, redmine):
    redmine.update(4711, {"priority_id": 1, "subject": "imported"}, BOT)
    events, _ = await sweep(connector)
    assert kinds(events[1:]) == [("journal/901", "request.updated", "system")]
    assert events[1].data == {"text.subject": "imported"}


async def test_a_poll_between_our_fields_and_our_note_brings_no_event(connector, connect, redmine, delivery_of):
    """The lease ends before the note. Another worker asks meanwhile."""
    holds = iter([True])
    await connector.deliver(delivery_of(leased=lambda: next(holds, False)))
    assert (len(redmine.issues[4711]["journals"]), redmine.notes(4711)) == (1, [])
    assert [event.id for event in (await sweep(connect()))[0]] == ["ticket/4711"]


async def test_many_changes_of_one_second_over_many_pages_lose_and_double_nothing(connector, redmine):
    for _ in range(90):
        redmine.new()
    for number in range(4711, 4801):
        redmine.issues[number]["updated_on"] = redmine.time
    events, cursor = await sweep(connector)
    assert len(events) == len({event.id for event in events}) == 91
    again, _ = await sweep(connector, cursor)
    assert {event.id for event in again} <= {event.id for event in events}


async def test_a_second_change_within_the_second_of_the_first_is_not_lost(connector, redmine):
    redmine.update(4711, {"notes": "one"}, WANG)
    _, cursor = await sweep(connector)
    redmine.tick(-60)
    redmine.update(4711, {"notes": "two"}, WANG)
    assert len({one["created_on"] for one in redmine.issues[4711]["journals"]}) == 1
    events, _ = await sweep(connector, cursor)
    assert "two" in [event.data.get("text.body") for event in events]


async def test_a_page_that_comes_again_after_a_crash_has_the_same_events(connect, redmine):
    for _ in range(30):
        redmine.new()
    first = await connect().poll("", SINCE)
    assert first.more
    assert await connect().poll("", SINCE) == first


async def test_what_was_read_whole_is_not_read_again(connector, http_server, redmine):
    for _ in range(5):
        redmine.new()
    redmine.tick(30)
    redmine.new()
    _, cursor = await sweep(connector)
    http_server.calls.clear()
    assert (await sweep(connector, cursor))[0][-1].id == "ticket/4717"
    assert [call.path for call in http_server.calls if call.path.startswith("/issues/")] == [
        "/issues/4717.json?include=journals"
    ]


async def test_from_a_time_on(connector, redmine):
    redmine.tick(3600)
    redmine.new("later")
    since = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    assert [event.request_id for event in (await sweep(connector, since=since))[0]] == ["4712"]


async def test_one_issue_that_cannot_be_read_does_not_stop_the_others(connector, redmine):
    redmine.new()
    del redmine.issues[4711]["author"]
    page = await connector.poll("", SINCE)
    assert [event.request_id for event in page.events] == ["4712"]
    assert page.problems == ("ticket 4711: read ticket: not what the API documents: 'author'",)


async def test_an_issue_deleted_between_list_and_look_is_left_out(connector, http_server, redmine, answer):
    redmine.new()
    handle = redmine.handle
    http_server.handler = lambda call: answer(404) if call.path.startswith("/issues/4711") else handle(call)
    page = await connector.poll("", SINCE)
    assert ([event.request_id for event in page.events], page.problems) == (["4712"], ())


@pytest.mark.parametrize("at", range(4))
async def test_waits_while_the_platform_cannot_be_asked(connector, http_server, redmine, answer, fault, at):
    http_server.faults = [None] * at + [answer(429, {"Retry-After": "60"})]
    with pytest.raises(PlatformUnavailable) as caught:
        await connector.poll((await connector.poll("", SINCE)).cursor, SINCE)
    assert caught.value.retry_after == 60.0
    http_server.faults = [fault.RESET]
    with pytest.raises(PlatformUnavailable):
        await connector.poll("", SINCE)
    assert [event.id for event in (await sweep(connector))[0]] == ["ticket/4711"]


async def test_a_refused_key_is_named(connect, redmine):
    with pytest.raises(PlatformRefuses, match="HTTP 401") as caught:
        await connect(key="wrong-key").poll("", SINCE)
    assert KEY not in caught.value.message


async def test_what_cannot_be_read_is_not_repeated_to_operators(connector, redmine):
    redmine.issues[4711]["created_on"] = "王芳 at noon"
    page = await connector.poll("", SINCE)
    assert page.problems == ("ticket 4711: read ticket: not what the API documents: ValueError",)
