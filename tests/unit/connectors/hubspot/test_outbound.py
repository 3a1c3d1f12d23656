"""What a decision writes to a ticket of a HubSpot, and what becomes of refusals."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import DONE, OutcomeKind
from tests.kit.http_server import Answer
from tests.kit.platforms.hubspot import PAGE, refusal

FIELDS = {"department": "hs_pipeline", "due.resolution": "answer_due", "owner": "hubspot_owner_id", "role": "role"}


async def test_a_decision_is_one_update_and_a_note(connect, hubspot, delivery_of):
    payload = {"category": "complaint", "priority": "P0", "owner": "ana@example.com", "role": "quality"}
    payload |= {"due.resolution": "2026-01-07T18:00:00+08:00", "because": ["<b>1 & 2</b>"]}
    for _ in range(2):
        assert await connect(fields=FIELDS).deliver(delivery_of(payload=payload)) == DONE
    update, note = hubspot.writes
    assert update == {
        "hs_ticket_priority": "URGENT",
        "hs_ticket_category": "complaint",
        "answer_due": "2026-01-07T10:00:00Z",
        "hubspot_owner_id": "901",
        "role": "quality",
    }
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in note["hs_note_body"]


async def test_a_ticket_that_moves_to_another_pipeline_begins_at_its_first_stage(connect, hubspot, delivery_of):
    connector = connect(fields={"department": "hs_pipeline", "status": "hs_pipeline_stage"})
    assert await connector.deliver(delivery_of(payload={"department": "vip"})) == DONE
    assert hubspot.writes[0] == {"hs_pipeline": "77", "hs_pipeline_stage": "771"}
    hubspot.by_ana(hs_pipeline_stage="772")
    assert await connector.deliver(delivery_of("b2" * 16, payload={"department": "vip"})) == DONE
    assert hubspot.properties["hs_pipeline_stage"] == "772"


async def test_a_stage_goes_by_its_name_in_the_pipeline_of_the_ticket(connect, hubspot, delivery_of):
    settings = {"fields": {"status": "hs_pipeline_stage"}, "values": {"status": {"over": "Closed"}}}
    assert await connect(**settings).deliver(delivery_of(payload={"status": "over"})) == DONE
    assert hubspot.writes[0] == {"hs_pipeline_stage": "4"}


async def test_what_is_refused_stands_in_the_note_and_keeps_nothing_else(connect, hubspot, delivery_of):
    connector = connect(fields={"role": "no_such_property", "owner": "hubspot_owner_id"})
    payload = {"priority": "P1", "role": "quality", "owner": "nobody@example.com"}
    outcome = await connector.deliver(delivery_of(payload=payload))
    assert (outcome.kind, hubspot.properties["hs_ticket_priority"]) == (OutcomeKind.DONE, "HIGH")
    assert outcome.refused == ("there is no owner nobody@example.com", "HTTP 400: PROPERTY_DOESNT_EXIST")
    (note,) = hubspot.notes()
    assert "! role was not set: HTTP 400: PROPERTY_DOESNT_EXIST" in note


async def test_a_note_is_found_among_more_than_a_page(connector, hubspot, delivery_of):
    for _ in range(PAGE + 1):
        hubspot.add("notes", {"hs_note_body": "x"})
    for _ in range(2):
        await connector.deliver(delivery_of(payload={"priority": "P0"}))
    assert len(hubspot.notes()) == PAGE + 2


async def test_a_note_that_is_deleted_is_left_out_of_a_batch(connector, hubspot, delivery_of):
    hubspot.add("notes", {"hs_note_body": "x"})["archived"] = True
    assert await connector.deliver(delivery_of(payload={"priority": "P0"})) == DONE


async def test_a_batch_that_failed_in_part_is_asked_again(connector, http_server, hubspot, delivery_of):
    """HTTP 207 is a success of some. A note that was not read could be written twice."""
    hubspot.add("notes", {"hs_note_body": "x"})

    def handle(call):
        if call.path.endswith("/batch/read"):
            return Answer(207, content={"results": [], "errors": [{"category": "INTERNAL_ERROR"}]})
        return hubspot.handle(call)

    http_server.handler = handle
    outcome = await connector.deliver(delivery_of(payload={"priority": "P0"}))
    assert (outcome.kind, hubspot.writes) == (OutcomeKind.RETRY, [])


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer(429, {"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}, {"policyName": "SECONDLY"}), 10.0),
        (Answer(429, {"X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}, {"policyName": "DAILY"}), 3600.0),
        (Answer(477, {"Retry-After": "30"}), 30.0),
    ],
    ids=["a few seconds", "the day", "the account moves"],
)
async def test_the_wait_of_a_limit(connector, http_server, delivery_of, answer, wait):
    http_server.handler = lambda _: answer
    outcome = await connector.deliver(delivery_of())
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, wait)


async def test_a_decision_follows_a_ticket_that_was_merged(connector, http_server, hubspot, delivery_of):
    def handle(call):
        call.path = call.path.replace("/tickets/12?", "/tickets/4711?")  # the id of the one that is left
        return hubspot.handle(call)

    http_server.handler = handle
    assert await connector.deliver(delivery_of(request_id="12", payload={"priority": "P0"})) == DONE
    assert hubspot.properties["hs_ticket_priority"] == "URGENT"


@pytest.mark.parametrize("reference", ["4712", "../owners", "", "x"])
async def test_an_unknown_ticket_is_final(connector, hubspot, delivery_of, reference):
    outcome = await connector.deliver(delivery_of(request_id=reference))
    assert (outcome.kind, outcome.detail, hubspot.writes) == (OutcomeKind.FAILED, "no such ticket", [])


async def test_a_token_without_the_scopes_holds_the_connector_at_the_third_ticket(
    connector, http_server, hubspot, delivery_of
):
    def handle(call):
        return refusal(403, "MISSING_SCOPES") if call.path.startswith("/crm/") else hubspot.handle(call)

    http_server.handler = handle
    kinds = [(await connector.deliver(delivery_of(request_id=str(number)))).kind for number in (1, 2, 3)]
    assert kinds == [OutcomeKind.FAILED, OutcomeKind.FAILED, OutcomeKind.HELD]


async def test_the_check_says_who_we_are_and_which_mapping_leads_nowhere(connect):
    values = {"priority": {"P0": "URGENT", "P1": "GIGANTIC"}, "department": {"vip": "vip", "quality": "QA"}}
    found = await connect(values=values, fields=FIELDS).check()
    assert [(one.good, one.text) for one in found] == [
        (True, "logged in as the account app:1160452"),
        (True, "priority goes to hs_ticket_priority, which has 4 choices"),
        (False, "priority P1 leads nowhere: hs_ticket_priority has no GIGANTIC"),
        (True, "category goes to hs_ticket_category, which has 3 choices"),
        (True, "department goes to hs_pipeline, which has 2 choices"),
        (False, "department quality leads nowhere: hs_pipeline has no QA"),
        (True, "due.resolution goes to answer_due"),
        (True, "owner goes to hubspot_owner_id, which has 122 choices"),
        (True, "role goes to role"),
    ]
