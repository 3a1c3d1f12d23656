"""What a decision writes to an issue, whatever happens on the way."""

from __future__ import annotations

import pytest

from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import LEASE_OVER, OutcomeKind
from tests.kit.platforms.connectors import until_done

PAYLOAD = {
    "category": "complaint",
    "priority": "P0",
    "department": "vip",
    "due.resolution": "2026-01-07T18:00:00+08:00",
}


def assert_written_once(redmine) -> None:
    issue = redmine.issues[4711]
    assert issue["priority"]["name"] == "Urgent"
    assert issue["category"]["name"] == "complaint"
    assert issue["assigned_to"]["name"] == "vip"
    assert issue["due_date"] == "2026-01-07"
    assert len(redmine.notes(4711)) == 1


async def test_writes_everything_once(connector, redmine, delivery_of):
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert_written_once(redmine)
    fields, note = redmine.puts
    assert fields == {"priority_id": 4, "category_id": 1, "assigned_to_id": 21, "due_date": "2026-01-07"}
    assert note.keys() == {"notes", "private_notes"}
    assert note["private_notes"] is True


async def test_writes_nothing_that_is_there_already(connector, redmine, delivery_of):
    await connector.deliver(delivery_of(payload=PAYLOAD))
    redmine.puts.clear()
    assert (await connector.deliver(delivery_of(payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert redmine.puts == []


async def test_the_note_is_a_text_for_people_with_our_mark(connector, redmine, delivery_of):
    await connector.deliver(delivery_of(payload={"priority": "P0", "because": ["*安全* 问题 <b>"]}))
    assert redmine.notes(4711)[0].split("\\\n") == [
        r"answerby decision 202601\-CSR\-001",
        r"priority\: P0",
        r"because\:",
        r"\- \*安全\* 问题 \<b\>" + f"\n\n[answerby effect={'a1' * 16} priority_id=4]",
    ]


CALLS = 10
"""Of one delivery on a fresh connector: account, issue, four of lists, two writes, and a look after each."""


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("name", ["LOSE_ANSWER", "RESET"])
async def test_a_lost_connection_at_any_call_doubles_and_loses_nothing(
    connector, http_server, redmine, delivery_of, fault, name, at
):
    http_server.faults = [None] * at + [fault[name]]
    await until_done(connector, delivery_of, payload=PAYLOAD)
    assert http_server.faults == []
    assert_written_once(redmine)


@pytest.mark.parametrize("at", range(CALLS))
@pytest.mark.parametrize("status", [409, 412, 429, 500, 503])
async def test_a_refusal_at_any_call_doubles_and_loses_nothing(
    connector, http_server, redmine, delivery_of, answer, status, at
):
    http_server.faults = [None] * at + [answer(status, {"Retry-After": "0"})]
    await until_done(connector, delivery_of, payload=PAYLOAD)
    assert http_server.faults == []
    assert_written_once(redmine)


async def test_a_refused_field_does_not_keep_the_others_from_being_written(connect, redmine, delivery_of):
    """Redmine refuses the whole call for a due date before the start. All but the date is written."""
    redmine.issues[4711]["start_date"] = "2026-02-01"
    outcome = await connect().deliver(delivery_of(payload=PAYLOAD))
    issue = redmine.issues[4711]
    assert (issue["priority"]["name"], issue["assigned_to"]["name"], issue["due_date"]) == ("Urgent", "vip", None)
    refusal = "update issue: HTTP 422: Due date must be greater than start date"
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, (refusal,))
    assert r"\! due\.resolution was not set\: update issue\: HTTP 422" in redmine.notes(4711)[0]


async def test_a_field_that_is_dropped_without_a_word_is_noticed(connect, redmine, delivery_of):
    redmine.dropped = {"assigned_to_id"}
    outcome = await connect().deliver(delivery_of(payload=PAYLOAD))
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.refused == ("update issue: the department is still another one",)
    assert r"\! department was not set\:" in redmine.notes(4711)[0]
    assert redmine.issues[4711]["priority"]["name"] == "Urgent"


async def test_a_note_that_the_role_may_not_hide_holds_the_connector_after_the_first(connect, redmine, delivery_of):
    redmine.may_hide_notes = False
    connector = connect()
    outcome = await connector.deliver(delivery_of(payload=PAYLOAD))
    assert outcome.kind is OutcomeKind.HELD
    assert "the note is public" in outcome.detail
    redmine.may_hide_notes = True
    assert (await connector.deliver(delivery_of(attempt=2, payload=PAYLOAD))).kind is OutcomeKind.DONE
    assert_written_once(redmine)


async def test_custom_fields_and_other_names(connect, redmine, delivery_of):
    settings = {"fields": {"category": "cf_12", "due.resolution": ""}, "values": {"priority": {"P0": "Immediate"}}}
    await connect(**settings).deliver(delivery_of(payload=PAYLOAD))
    issue = redmine.issues[4711]
    assert issue["custom_fields"] == [{"id": 12, "name": "Category", "value": "complaint"}]
    assert (issue["priority"]["name"], issue["due_date"], issue.get("category")) == ("Immediate", None, None)


async def test_what_has_no_counterpart_is_said_in_the_note(connector, redmine, delivery_of):
    outcome = await connector.deliver(delivery_of(payload={"priority": "P9", "department": "hardware"}))
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.refused == (
        "priority P9 has no counterpart here; name one in the connector's values.priority",
        "there is no department hardware",
    )
    assert r"\! there is no department hardware" in redmine.notes(4711)[0]


async def test_a_level_set_by_hand_that_means_the_same_stays(connector, redmine, delivery_of):
    redmine.issues[4711]["priority"] = {"id": 5, "name": "Immediate"}
    await connector.deliver(delivery_of(payload={"priority": "P0"}))
    assert redmine.issues[4711]["priority"]["name"] == "Immediate"


async def test_writes_no_part_once_the_lease_is_over(connector, redmine, delivery_of):
    holds = iter([True])
    taken = delivery_of(payload=PAYLOAD, leased=lambda: next(holds, False))
    assert await connector.deliver(taken) is LEASE_OVER
    assert len(redmine.puts) == 1
    await until_done(connector, delivery_of, payload=PAYLOAD)
    assert_written_once(redmine)


@pytest.mark.parametrize("reference", ["4712", "../users", "..", "4711/../1", "", "x"])
async def test_an_unknown_issue_is_final(connector, redmine, delivery_of, reference):
    outcome = await connector.deliver(delivery_of(request_id=reference))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")
    assert redmine.puts == []


async def test_a_refused_key_holds_the_connector(connect, delivery_of):
    outcome = await connect(key="wrong-key").deliver(delivery_of())
    assert outcome.kind is OutcomeKind.HELD
    assert "refused; set a valid one" in outcome.detail
    assert "wrong-key" not in outcome.detail


async def test_three_forbidden_issues_in_a_row_hold_the_connector(connector, http_server, redmine, delivery_of, answer):
    handle = redmine.handle
    http_server.handler = lambda call: answer(403) if call.path.startswith("/issues/") else handle(call)
    outcomes = [await connector.deliver(delivery_of(request_id=str(number))) for number in (4711, 4712, 4713)]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.FAILED, OutcomeKind.FAILED, OutcomeKind.HELD]


@pytest.mark.parametrize("status", [302, 400, 403, 404, 410])
async def test_a_wrong_address_or_account_holds_the_connector(
    connector, http_server, redmine, delivery_of, answer, status
):
    http_server.handler = lambda _: answer(status)
    outcome = await connector.deliver(delivery_of())
    assert (outcome.kind, f"HTTP {status}" in outcome.detail) == (OutcomeKind.HELD, True)


async def test_a_notice_is_a_note_and_changes_nothing_else(connector, redmine, delivery_of):
    notice = delivery_of(kind=EffectKind.NOTIFY, payload={"text.en": "first_response was due", "priority": "P0"})
    for _ in range(2):
        assert (await connector.deliver(notice)).kind is OutcomeKind.DONE
    assert len(redmine.puts) == 1
    assert "first\\_response was due" in redmine.notes(4711)[0]
