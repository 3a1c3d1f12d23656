"""What a decision writes to an issue, and what Jira refuses of it."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import OutcomeKind
from tests.kit.http_server import Answer
from tests.kit.platforms.jira import BOT, ISSUE, ROLE

PAYLOAD = {"category": "complaint", "priority": "P0", "due.resolution": "2026-01-07T18:00:00+08:00"}
PER_ISSUE = {"Retry-After": "5", "RateLimit-Reason": "jira-per-issue-on-write"}


async def test_a_decision_is_one_edit_and_an_internal_comment(connector, jira, delivery_of):
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, ())
    assert jira.edits == [{"priority": {"id": "1"}, "components": [{"id": "100"}], "duedate": "2026-01-07"}]
    (note,) = jira.notes()
    assert note.startswith("answerby decision")


async def test_a_value_that_jira_refuses_keeps_nothing_else(connect, jira, delivery_of):
    connector = connect(fields={"role": "Role"})
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload={**PAYLOAD, "role": "moon"}))
    assert outcome.kind is OutcomeKind.DONE
    (refused,) = outcome.refused
    assert refused == "HTTP 400: Jira takes no such value, or the field is not on the edit screen"
    assert (jira.fields["priority"], jira.fields["duedate"], jira.fields[ROLE]) == ("1", "2026-01-07", None)
    assert f"role was not set: {refused}" in jira.notes()[0]


async def test_a_status_goes_by_the_transition_that_leads_to_it(connect, jira, delivery_of):
    connector = connect(fields={"status": "status"}, values={"status": {"working": "In Progress"}})
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload={"status": "working"}))
    assert (outcome.kind, jira.fields["status"]) == (OutcomeKind.DONE, "In Progress")


async def test_a_status_without_a_transition_is_named_in_the_comment(connect, jira, delivery_of):
    jira.stuck = True
    connector = connect(fields={"status": "status"})
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload={**PAYLOAD, "status": "Resolved"}))
    told = "status was not set: no transition leads to Resolved from here"
    assert (outcome.kind, outcome.refused, jira.fields["status"]) == (OutcomeKind.DONE, (told,), "Open")
    assert (jira.fields["priority"], told in jira.notes()[0]) == ("1", True)


@pytest.mark.parametrize("name", ["Twice", "Nowhere"])
async def test_a_field_that_no_one_name_tells_is_named_by_delivery_and_check(connect, jira, delivery_of, name):
    connector = connect(fields={"role": name})
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload={**PAYLOAD, "role": "quality"}))
    told = f"look for the field: Jira has no one field {name}; name it by its id, such as customfield_10050"
    assert (outcome.kind, outcome.refused) == (OutcomeKind.DONE, (f"role was not set: {told}",))
    assert [found.text for found in await connector.check() if not found.good] == [told]


async def test_too_many_writes_to_one_issue_hold_that_issue_alone(connector, jira, http_server, delivery_of):
    http_server.handler = lambda call: Answer(429, PER_ISSUE) if call.method == "PUT" else jira.handle(call)
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))
    assert (outcome.kind, outcome.retry_after, outcome.settle) == (OutcomeKind.RETRY, None, 5.0)
    burst = {"Retry-After": "19", "RateLimit-Reason": "jira-burst-based"}
    http_server.handler = lambda call: Answer(429, burst) if call.method == "PUT" else jira.handle(call)
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))
    assert (outcome.kind, outcome.retry_after, outcome.settle) == (OutcomeKind.RETRY, 19.0, 0.0)


async def test_an_issue_that_is_hidden_because_the_token_is_over_is_no_missing_one(
    connector, jira, http_server, delivery_of
):
    await connector.identify()
    http_server.handler = lambda call: Answer(404 if "/issue/" in call.path else 401)
    assert (await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))).kind is OutcomeKind.HELD
    http_server.handler = jira.handle
    outcome = await connector.deliver(delivery_of(request_id="10005", payload=PAYLOAD))
    assert (outcome.kind, outcome.detail) == (OutcomeKind.FAILED, "no such ticket")


async def test_a_comment_that_came_out_public_holds_the_connector(connector, jira, http_server, delivery_of):
    def deaf(call):
        if call.method == "POST":
            call.json.pop("properties", None)
            jira.say(call.json["body"], BOT, public=True)
            return Answer(201, content={"id": "1"})
        return jira.handle(call)

    http_server.handler = deaf
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))
    assert (outcome.kind, "public" in outcome.detail) == (OutcomeKind.HELD, True)


async def test_outside_of_a_service_project_no_comment_is_internal(connector, jira, delivery_of):
    jira.kind = "software"
    outcome = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD))
    assert (outcome.kind, len(jira.comments)) == (OutcomeKind.DONE, 1)
    again = await connector.deliver(delivery_of(request_id=ISSUE, payload=PAYLOAD, previous_unknown=True))
    assert (again.kind, len(jira.comments)) == (OutcomeKind.DONE, 1)


async def test_a_check_names_what_leads_nowhere(connect):
    connector = connect(values={"category": {"complaint": "complaint", "praise": "Praise"}})
    found = await connector.check()
    assert found[0].text == f"logged in as the account {BOT['accountId']}"
    assert [one.text for one in found if not one.good] == [
        "category praise leads nowhere: components of CSR has no Praise"
    ]


async def test_without_an_email_the_token_is_one_of_oauth(connect, http_server):
    await connect(email="").check()
    assert {call.headers["authorization"] for call in http_server.calls} == {"Bearer jira-token"}
