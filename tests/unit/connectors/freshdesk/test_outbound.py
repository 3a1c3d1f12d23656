"""What a decision writes to a ticket of a Freshdesk."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import DONE, OutcomeKind

DUE, FIRST = "2097-01-07T10:00:00Z", "2097-01-06T10:00:00Z"
SAID_DUE, SAID_FIRST = "2097-01-07T18:00:00+08:00", "2097-01-06T18:00:00+08:00"


async def test_writes_everything_once_in_two_calls(connector, freshdesk, delivery_of):
    payload = {"category": "complaint", "priority": "P0", "department": "vip", "tags": ["battery"]}
    due = {"due.resolution": SAID_DUE, "due.first_response": SAID_FIRST}
    for _ in range(2):
        assert await connector.deliver(delivery_of(payload={**payload, **due, "because": ["<b>1 & 2</b>"]})) == DONE
    fields, note = freshdesk.writes
    assert fields == {
        "priority": 4,
        "type": "complaint",
        "group_id": 21,
        "due_by": DUE,
        "fr_due_by": FIRST,
        "tags": ["vip-customer", "battery"],
    }
    assert note["private"] is True
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in note["body"]
    assert "<b>" not in note["body"]


@pytest.mark.parametrize(
    ("there", "payload", "sent"),
    [
        # the first answer is overdue: Freshdesk would refuse its time
        ("2026-01-05T03:00:00Z", {"due.resolution": SAID_DUE}, (DUE, DUE)),
        (None, {"due.resolution": SAID_DUE}, (DUE, DUE)),
        # it is due earlier: it stays
        (FIRST, {"due.resolution": SAID_DUE}, (DUE, FIRST)),
        # it is due later than the new end
        ("2097-06-01T00:00:00Z", {"due.resolution": SAID_DUE}, (DUE, DUE)),
        # the end stays
        (None, {"due.first_response": SAID_FIRST}, ("2098-01-01T00:00:00Z", FIRST)),
    ],
)
async def test_both_due_times_go_together(connector, freshdesk, delivery_of, there, payload, sent):
    freshdesk.tickets[4711]["fr_due_by"] = there
    assert await connector.deliver(delivery_of(payload=payload)) == DONE
    assert freshdesk.writes[0] == {"due_by": sent[0], "fr_due_by": sent[1]}


async def test_a_due_time_that_is_over_is_not_sent(connector, freshdesk, delivery_of):
    payload = {"priority": "P0", "due.resolution": "2026-01-07T18:00:00+08:00"}
    outcome = await connector.deliver(delivery_of(payload=payload))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("due.resolution was not set: it is over",))
    assert freshdesk.writes[0] == {"priority": 4}


async def test_a_refusal_names_its_field_and_the_others_are_written_by_the_next_call(connector, freshdesk, delivery_of):
    due = {"due.resolution": SAID_FIRST, "due.first_response": SAID_DUE}
    outcome = await connector.deliver(delivery_of(payload={"priority": "P1", "category": "smoke", **due}))
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.refused == ("HTTP 400: invalid_value",) * 3
    assert [sorted(one) for one in freshdesk.writes] == [
        ["due_by", "fr_due_by", "priority", "type"],
        ["due_by", "fr_due_by", "priority"],
        ["priority"],
        ["body", "private"],
    ]
    for said in ("category", "due.resolution", "due.first_response"):
        assert f"! {said} was not set: HTTP 400: invalid_value" in freshdesk.notes()[0]


async def test_a_custom_field_that_is_not_there_does_not_keep_others_from_being_written(
    connect, freshdesk, delivery_of
):
    connector = connect(fields={"category": "cf_category", "role": "cf_nothing"})
    outcome = await connector.deliver(delivery_of(payload={"category": "smoke", "role": "quality"}))
    assert outcome.refused == ("HTTP 400: invalid_value",)
    assert freshdesk.tickets[4711]["custom_fields"] == {"cf_category": "smoke"}


async def test_tags_that_are_there_stay_and_nothing_new_writes_nothing(connector, freshdesk, delivery_of):
    freshdesk.tickets[4711]["tags"] = ["b", "a"]
    await connector.deliver(delivery_of(payload={"tags": ["a"]}))
    assert [one.keys() for one in freshdesk.writes] == [{"body", "private"}]


async def test_a_level_set_by_hand_that_means_the_same_stays(connector, freshdesk, delivery_of):
    await connector.deliver(delivery_of(payload={"priority": "P2"}))
    assert freshdesk.tickets[4711]["priority"] == 1


@pytest.mark.parametrize("reference", ["4712", "../agents", "", "x"])
async def test_an_unknown_ticket_is_final(connector, freshdesk, delivery_of, reference):
    outcome = await connector.deliver(delivery_of(request_id=reference))
    assert (outcome.kind, outcome.detail, freshdesk.writes) == (OutcomeKind.FAILED, "no such ticket", [])


async def test_a_refused_key_holds_the_connector(connect, delivery_of):
    outcome = await connect(key="wrong-key").deliver(delivery_of())
    assert (outcome.kind, "wrong-key" in outcome.detail) == (OutcomeKind.HELD, False)


async def test_a_note_is_found_on_any_page_of_messages(connector, freshdesk, delivery_of):
    for at in range(100):
        freshdesk.say(4711, 7, f"message {at}")
    for _ in range(2):
        await connector.deliver(delivery_of(payload={"priority": "P0"}))
    assert len(freshdesk.notes()) == 1


async def test_the_check_says_who_we_are_and_which_mapping_leads_nowhere(connect):
    values = {"priority": {"P0": "Urgent", "P1": "Gigantic"}, "department": {"vip": "vip", "quality": "QA"}}
    found = await connect(values=values, fields={"owner": "responder_id"}).check()
    assert [(one.good, one.text) for one in found][:6] == [
        (True, "logged in as the account 5"),
        (True, "priority goes to priority, which has 4 choices"),
        (False, "priority P1 leads nowhere: priority has no Gigantic"),
        (True, "category goes to type"),
        (True, "department goes to group_id, which has 2 choices"),
        (False, "department quality leads nowhere: group_id has no QA"),
    ]
    assert (True, "owner goes to responder_id, which has 120 choices") in [(one.good, one.text) for one in found]


@pytest.mark.parametrize("body", [None, [], "no", {"errors": None}, {"errors": ["type"]}, {"errors": [{}]}])
async def test_a_refusal_that_names_nothing_is_found_field_by_field(
    connector, http_server, freshdesk, delivery_of, answer, body
):
    def handle(call):
        refused = call.method == "PUT" and "type" in call.json
        return answer(400, content=body) if refused else freshdesk.handle(call)

    http_server.handler = handle
    outcome = await connector.deliver(delivery_of(payload={"priority": "P0", "category": "smoke"}))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ("update ticket: HTTP 400",))
    assert freshdesk.tickets[4711]["priority"] == 4
