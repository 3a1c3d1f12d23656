"""The example webhooks and answers of Jira, where a folder of them is to be had."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from answerby_connectors.kit.base import OutcomeKind
from answerby_connectors.kit.http.answer import Answer
from answerby_connectors.kit.http.rest import outcome_of
from tests.kit.platforms.vendor_specs import VENDORS

pytestmark = pytest.mark.skipif(not VENDORS, reason="needs ANSWERBY_TEST_VENDOR_SPECS")

OUTCOMES = {
    "update_ok": (OutcomeKind.DONE, None),
    "comment_ok": (OutcomeKind.DONE, None),
    "unauthorized": (OutcomeKind.HELD, None),
    "forbidden": (OutcomeKind.FAILED, None),
    "not_found": (OutcomeKind.FAILED, None),
    "field_not_on_screen": (OutcomeKind.FAILED, None),
    "invalid": (OutcomeKind.FAILED, None),
    "conflict": (OutcomeKind.RETRY, None),
    "adf_invalid": (OutcomeKind.FAILED, None),
    "rate_limited_issue": (OutcomeKind.RETRY, None),
    "rate_limited": (OutcomeKind.RETRY, 19.0),
    "search_page": (OutcomeKind.DONE, None),
}
TOLD = {
    "webhook-issue-created.json": [("10004", "ticket/10004", True, "qm:cust-0001", {})],
    "webhook-issue-updated.json": [
        ("10004", "changelog/10124", False, "712020:bot-0001", {"priority": "1", "duedate": "2026-12-01"})
    ],
    "webhook-comment-created.json": [("10004", "comment/10080", False, "qm:cust-0001", {})],
}


def example(name: str) -> dict:
    return json.loads((Path(str(VENDORS)) / "jira" / name).read_text("utf-8"))


@pytest.mark.parametrize("name", TOLD)
async def test_a_webhook_is_taken_by_its_signature(connect, name):
    given = example(name)
    body = json.dumps(given["request"]["body"], ensure_ascii=False, separators=(",", ":")).encode()
    connector = connect(webhook_secrets=[given["about"]["secret"]])
    await connector.identify()
    connector.verify(given["request"]["headers"], body)
    arrivals = connector.arrivals(body)
    assert [(one.reference, one.id, one.new, one.author, dict(one.values)) for one in arrivals] == TOLD[name]


def test_each_answer_has_its_outcome(connector):
    outcomes = {}
    for name, told in example("answers.json")["answers"].items():
        headers = {key.lower(): value for key, value in told["headers"].items()}
        answer = Answer(told["status"], headers, json.dumps(told["body"]).encode())
        outcome = connector.judge(answer) or outcome_of(answer)
        outcomes[name] = (outcome.kind, outcome.retry_after)
        if name == "field_not_on_screen":
            assert list(connector.blame(answer, ["duedate", "priority"])) == ["duedate"]
    assert outcomes == OUTCOMES
