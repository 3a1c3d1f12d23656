"""What a decision writes to a case, what becomes of refusals, and how sessions are renewed."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import DONE, OutcomeKind
from tests.kit.http_server import Answer
from tests.kit.platforms.salesforce import ANA, CASE, VIP, refusal

FIELDS = {"due.resolution": "Answer_Due__c", "status": "Status"}


async def test_a_decision_is_one_update_and_an_unpublished_comment(connect, salesforce, to_case):
    payload = {"category": "complaint", "priority": "P0", "department": "vip", "status": "Working"}
    payload["due.resolution"] = "2026-01-07T18:00:00+08:00"
    for _ in range(2):
        assert await connect(fields=FIELDS).deliver(to_case(payload=payload)) == DONE
    update, note = salesforce.writes
    assert update == {
        "Priority": "High",
        "Type": "complaint",
        "OwnerId": VIP,
        "Status": "Working",
        "Answer_Due__c": "2026-01-07T10:00:00Z",
    }
    assert (note["ParentId"], note["IsPublished"]) == (CASE, False)


async def test_a_person_goes_before_the_queue(connect, salesforce, to_case):
    connector = connect(fields={"owner": "OwnerId"}, values={"owner": {"ana": "ana@example.com"}})
    salesforce.case["OwnerId"] = VIP
    await connector.deliver(to_case(payload={"department": "vip", "owner": "ana"}))
    assert salesforce.case["OwnerId"] == ANA


async def test_what_is_refused_stands_in_the_comment_and_keeps_nothing_else(connect, salesforce, to_case):
    """A picklist that is not restricted takes any text, so an unknown value is not even sent."""
    connector = connect(fields={"role": "Role__c"}, values={"priority": {"P0": "ASAP"}})
    payload = {"priority": "P0", "category": "complaint", "role": "quality"}

    salesforce.case["Role__c"] = None
    salesforce.refused = {"Role__c"}
    outcome = await connector.deliver(to_case(payload=payload))
    assert (outcome.kind, salesforce.case["Type"]) == (OutcomeKind.DONE, "complaint")
    assert outcome.refused == ("there is no priority ASAP", "HTTP 400: FIELD_CUSTOM_VALIDATION_EXCEPTION")
    assert "! role was not set: HTTP 400: FIELD_CUSTOM_VALIDATION_EXCEPTION" in salesforce.notes()[0]


async def test_what_a_person_changed_meanwhile_is_read_first(connector, http_server, salesforce, to_case):
    """412: the update goes out on the condition that the case is as it was read."""

    def meanwhile(call):
        if call.method == "PATCH" and salesforce.case["Status"] == "New":
            salesforce.update({"Status": "Working"}, ANA)
        return salesforce.handle(call)

    http_server.handler = meanwhile
    delivery = to_case(payload={"priority": "P0"})
    assert (await connector.deliver(delivery)).kind is OutcomeKind.RETRY
    assert salesforce.writes == []
    assert (await connector.deliver(delivery)).kind is OutcomeKind.DONE
    assert salesforce.case["Priority"] == "High"


async def test_a_session_that_ended_is_renewed_within_the_call(connector, salesforce, to_case):
    await connector.deliver(to_case(payload={"priority": "P0"}))
    salesforce.ended = True
    assert await connector.deliver(to_case("b2" * 16, payload={"priority": "P1"})) == DONE
    assert (salesforce.tokens, salesforce.case["Priority"]) == (2, "Medium")


async def test_a_refused_secret_holds_the_connector_and_is_not_told(connect, salesforce, to_case):
    outcome = await connect(client_secret="wrong-secret").deliver(to_case())
    assert (outcome.kind, "wrong-secret" in outcome.detail) == (OutcomeKind.HELD, False)


async def test_an_org_at_another_address_is_named(connector, http_server, salesforce, to_case):
    told = {"access_token": "t", "id": "https://x/id/00D/005", "instance_url": "https://acme.my.salesforce.com"}
    http_server.handler = lambda _: Answer(content=told)
    outcome = await connector.deliver(to_case())
    assert outcome.kind is OutcomeKind.HELD
    assert "the org is at https://acme.my.salesforce.com; set url to that" in outcome.detail
    assert [call.path for call in http_server.calls] == ["/services/oauth2/token"]


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (refusal(400, "UNABLE_TO_LOCK_ROW"), OutcomeKind.RETRY, None),
        (refusal(403, "REQUEST_LIMIT_EXCEEDED"), OutcomeKind.RETRY, 900.0),
        (refusal(400, "INSUFFICIENT_ACCESS_OR_READONLY"), OutcomeKind.FAILED, None),
        (Answer(300, content=["/services/data/v65.0/sobjects/Case/500A"]), OutcomeKind.FAILED, None),
    ],
    ids=["locked row", "limit of the day", "no rights", "several"],
)
async def test_what_the_platform_says_of_a_write(connector, http_server, salesforce, to_case, answer, kind, wait):
    http_server.handler = lambda call: (
        answer if call.method == "PATCH" or "CaseComment" in call.path else salesforce.handle(call)
    )
    outcome = await connector.deliver(to_case(payload={"priority": "P0"}))
    assert (outcome.kind, outcome.retry_after) == (kind, wait)


@pytest.mark.parametrize(
    ("codes", "kind", "said"),
    [
        (["INVALID_FIELD"], OutcomeKind.FAILED, "read case: HTTP 200: INVALID_FIELD"),
        (["PROCESSING_HALTED", "MALFORMED_QUERY"], OutcomeKind.FAILED, "read case: HTTP 200: MALFORMED_QUERY"),
        (["QUERY_TIMEOUT"], OutcomeKind.RETRY, "read case: HTTP 200: QUERY_TIMEOUT"),
    ],
)
async def test_a_composite_answer_of_200_that_failed(connector, http_server, salesforce, to_case, codes, kind, said):
    parts = [
        {"httpStatusCode": 400, "referenceId": "x", "body": [{"errorCode": code, "message": "x"}]} for code in codes
    ]
    http_server.handler = lambda call: (
        Answer(content={"compositeResponse": parts}) if call.path.endswith("/composite") else salesforce.handle(call)
    )
    outcome = await connector.deliver(to_case(payload={"priority": "P0"}))
    assert (outcome.kind, outcome.detail) == (kind, said)


async def test_a_decision_follows_a_case_that_was_merged(connector, http_server, salesforce, to_case):
    old = CASE.replace("ABCDE", "OLDER")

    def handle(call):
        answer = salesforce.handle(call)
        if old.encode() in call.body:
            row = {**salesforce.case, "Id": old, "IsDeleted": True, "MasterRecordId": CASE}
            answer.content["compositeResponse"][0]["body"] = {"done": True, "records": [row]}
        return answer

    http_server.handler = handle
    assert await connector.deliver(to_case(request_id=old, payload={"priority": "P0"})) == DONE
    assert salesforce.case["Priority"] == "High"


@pytest.mark.parametrize("reference", ["500Ws00000ZZZZZIA4", "' OR Id != '", "", "x", "003Ws00000ABCDEIA4"])
async def test_an_unknown_case_is_final(connector, salesforce, to_case, reference):
    outcome = await connector.deliver(to_case(request_id=reference))
    assert (outcome.kind, outcome.detail, salesforce.writes) == (OutcomeKind.FAILED, "no such ticket", [])


async def test_a_long_note_in_chinese_fits_into_the_bytes_of_a_comment(connector, salesforce, to_case):
    payload = {"priority": "P0", "because": ["热" * 3_000]}
    assert await connector.deliver(to_case(payload=payload)) == DONE
    (note,) = salesforce.notes()
    assert 3_100 < len(note.encode()) <= 4_000
    assert note.endswith(" Priority=High]")


async def test_a_comment_is_found_among_more_rows_than_an_answer_has(connector, salesforce, to_case):
    for at in range(2_001):
        salesforce.say(f"comment {at}", ANA, published=False)
    for _ in range(2):
        await connector.deliver(to_case(payload={"priority": "P0"}))
    assert len(salesforce.notes()) == 2_002


async def test_the_check_says_who_we_are_and_which_mapping_leads_nowhere(connect):
    values = {"priority": {"P0": "High", "P1": "Old"}, "department": {"vip": "vip", "quality": "QA"}}
    found = await connect(values=values, fields=FIELDS).check()
    assert [(one.good, one.text) for one in found] == [
        (True, "logged in as the account 005Ws000000BOTAIA4"),
        (True, "priority goes to Priority, which has 3 choices"),
        (False, "priority P1 leads nowhere: Priority has no Old"),
        (True, "category goes to Type, which has 2 choices"),
        (True, "department goes to OwnerId, which has 2 choices"),
        (False, "department quality leads nowhere: OwnerId has no QA"),
        (True, "due.resolution goes to Answer_Due__c"),
        (True, "status goes to Status, which has 4 choices"),
    ]
