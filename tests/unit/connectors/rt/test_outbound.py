"""What a decision writes to a ticket, whatever happens on the way."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.kit.http.answer import CallFailed
from tests.kit.platforms.connectors import until_done
from tests.kit.platforms.rt import ANA

PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "vip",
    "due.resolution": "2026-01-07T18:00:00+08:00",
}


def assert_written_once(rt) -> None:
    ticket = rt.tickets[4711]
    assert (ticket["Priority"], ticket["Queue"], ticket["custom"]["2"]) == ("100", "3", ["complaint"])
    assert ticket["Due"] == "2026-01-07 10:00:00"
    assert len(rt.notes()) == 1


async def test_writes_everything_once(connector, rt, delivery_of):
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert_written_once(rt)
    fields, note = rt.writes
    assert fields == {
        "Priority": "100",
        "Queue": "3",
        "Due": "2026-01-07 10:00:00",
        "CustomFields": {"2": "complaint"},
    }
    assert (note.keys(), note["ContentType"]) == ({"Content", "ContentType"}, "text/plain")


async def test_writes_nothing_that_is_there_already(connector, rt, delivery_of):
    await connector.deliver(delivery_of(payload=PAYLOAD))
    rt.writes.clear()
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert rt.writes == []


async def test_the_comment_is_a_text_for_people_with_our_mark(connector, rt, delivery_of):
    await connector.deliver(delivery_of(payload={"priority": "P0", "because": ["安全问题 <b>"]}))
    assert rt.notes()[0].split("\n") == [
        "answerby decision 202601-CSR-001",
        "priority: P0",
        "because:",
        "- 安全问题 <b>",
        f"[answerby effect={'a1' * 16} priority=100]",
    ]


async def test_owner_and_status_by_the_settings(connect, rt, delivery_of):
    connector = connect(fields={"role": "owner", "state": "status"}, values={"role": {"first line": ANA}})
    payload = {"role": "first line", "state": "stalled"}
    assert (await connector.deliver(delivery_of(payload=payload))).refused == ()
    assert (rt.tickets[4711]["Owner"], rt.tickets[4711]["Status"]) == (ANA, "stalled")


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        ({"category": "no such value"}, "update: the category is still another one"),
        ({"role": "wang@example.com"}, "update: the role is still another one"),
        ({"state": "no such status"}, "update: the state is still another one"),
        ({"number": "many"}, "update: the number is still another one"),
        ({"other": "x"}, "update: the other is still another one"),
    ],
)
async def test_what_rt_refuses_with_200_is_noticed_and_the_rest_is_written(connect, rt, delivery_of, payload, refused):
    """`number` goes to the priority, which RT sets to 0 when it gets a word."""
    fields = {"category": "cf_2", "role": "owner", "state": "status", "other": "cf_99"}
    if "number" in payload:
        fields |= {"number": "priority", "priority": ""}
        rt.tickets[4711]["Priority"] = "30"
    connector = connect(fields=fields)
    outcome = await connector.deliver(delivery_of(payload={**payload, "due.resolution": PAYLOAD["due.resolution"]}))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, (refused,))
    assert rt.tickets[4711]["Due"] == "2026-01-07 10:00:00"
    assert f"! {next(iter(payload))} was not set: update" in rt.notes()[0]


async def test_a_right_that_is_missing_for_one_field(connector, rt, delivery_of):
    rt.denied = {"Queue"}
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert outcome.refused == ("update: the department is still another one",)
    assert (rt.tickets[4711]["Priority"], rt.tickets[4711]["Queue"]) == ("100", "1")


async def test_a_queue_that_is_not_there_is_said_in_the_note(connector, rt, delivery_of):
    outcome = await connector.deliver(delivery_of(payload={**PAYLOAD, "department": "no such queue"}))
    assert outcome.refused == ("there is no department no such queue",)
    assert rt.tickets[4711]["Priority"] == "100"


async def test_a_change_between_look_and_write_is_seen_before_the_next_attempt(connector, rt, delivery_of, http_server):
    """RT answers 412 to the ETag of before. A person chose P1 meanwhile; the decision then goes over it knowingly."""

    def watch(call):
        if call.method == "PUT" and not rt.writes:
            rt.update(4711, {"Priority": "50"}, ANA)
            http_server.watch = lambda _: None

    http_server.watch = watch
    first = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (first.kind, first.detail) == (OutcomeKind.RETRY, "update: HTTP 412")
    assert (rt.tickets[4711]["Priority"], rt.writes, rt.notes()) == ("50", [], [])
    assert (await connector.deliver(delivery_of(attempt=2, payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert_written_once(rt)


async def test_an_etag_that_a_compressing_proxy_made_longer_still_counts(connector, rt, delivery_of):
    """Apache's mod_deflate does it. RT would refuse the longer one for ever."""
    rt.etag_ending = "-gzip"
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert_written_once(rt)


async def test_a_write_that_lands_after_a_newer_change_changes_nothing(connector, rt, delivery_of):
    ticket = await connector.fetch("4711")
    (late,) = connector.write(ticket, {"priority": "0"})
    await connector.deliver(delivery_of(payload=PAYLOAD))
    with pytest.raises(CallFailed, match="HTTP 412"):
        await connector.send(ticket, late, {"priority": "0"})
    assert_written_once(rt)


CALLS = 14
"""Of one delivery on a fresh connector: account, queues, two looks of five calls each, two writes."""


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("status", [412, 429, 500])
async def test_a_refusal_at_any_call_doubles_and_loses_nothing(
    connector, http_server, rt, delivery_of, answer, status, at
):
    http_server.faults = [None] * at + [answer(status)]
    await until_done(connector, delivery_of, payload=PAYLOAD)
    assert http_server.faults == []
    assert_written_once(rt)


async def test_fields_that_go_alone_after_a_refusal_carry_the_newest_etag(
    connector, http_server, rt, delivery_of, answer
):
    """Seven calls come before the update: account, five of the look, queues. Four fields then go alone."""
    http_server.faults = [None] * 7 + [answer(400)]
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert_written_once(rt)
    tags = [call.headers["if-match"] for call in http_server.calls if call.method == "PUT"]
    assert (len(tags), len(set(tags[1:]))) == (5, 4)


async def test_the_note_of_a_merged_ticket_goes_to_the_survivor_and_is_known_there(connector, rt, delivery_of):
    survivor = rt.new("the same again")
    await connector.deliver(delivery_of(payload={"priority": "P0"}))
    rt.merge(4711, survivor)
    payload = {"priority": "P0"}
    again = await connector.deliver(delivery_of(payload=payload, attempt=2, previous_unknown=True))
    assert (again.kind, rt.tickets[survivor]["Priority"], rt.notes(survivor)) == (OutcomeKind.DONE, "100", [])
    await connector.deliver(delivery_of("b2" * 16, payload=payload))
    assert len(rt.notes(survivor)) == 1


async def test_our_note_is_found_behind_a_hundred_entries_that_we_may_not_see(connector, rt, delivery_of):
    for _ in range(60):
        rt.say(4711, "wang@example.com", "still")
    await connector.deliver(delivery_of(payload=PAYLOAD))
    rt.writes.clear()
    await connector.deliver(delivery_of(payload=PAYLOAD, attempt=2, previous_unknown=True))
    assert_written_once(rt)
    assert rt.writes == []


@pytest.mark.parametrize("reference", ["99999999", "0", "../user/root", "4711/comment", "abc"])
async def test_a_ticket_that_is_not_there_is_final(connector, rt, delivery_of, reference):
    outcome = await connector.deliver(delivery_of(request_id=reference))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")
    assert rt.writes == []
