"""The example webhook and answers of HubSpot, where a folder of them is to be had."""

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
    "batch_partial": (OutcomeKind.DONE, None),  # one of the batch is deleted
    "unauthorized": (OutcomeKind.HELD, None),
    "expired": (OutcomeKind.HELD, None),
    "missing_scope": (OutcomeKind.FAILED, None),  # the third in a row holds the connector
    "not_found": (OutcomeKind.FAILED, None),
    "conflict": (OutcomeKind.RETRY, None),
    "invalid": (OutcomeKind.FAILED, None),
    "rate_limited": (OutcomeKind.RETRY, 10.0),
    "search_page": (OutcomeKind.DONE, None),
}


def example(name: str) -> dict:
    return json.loads((Path(str(VENDORS)) / "hubspot" / name).read_text("utf-8"))


def test_the_webhook_is_taken_by_its_signature_and_tells_three_things(connect):
    given = example("webhook-ticket-batch.json")
    request = given["request"]
    body = json.dumps(request["body"], ensure_ascii=False, separators=(",", ":")).encode()
    connector = connect(webhook_url="https://hooks.example.com/hubspot", webhook_secrets=[given["about"]["secret"]])
    sent = int(request["headers"]["X-HubSpot-Request-Timestamp"]) / 1000
    connector.signature.check(connector.secrets).verify(request["headers"], body, sent)
    assert [(one.reference, one.new, one.author, dict(one.values)) for one in connector.arrivals(body)] == [
        ("4711", True, "user:7", {}),
        ("4711", False, "user:7", {"hs_ticket_priority": "HIGH"}),
        ("4711", False, "app:1160452", {"hs_ticket_priority": "URGENT"}),
    ]


def test_each_answer_has_its_outcome(connector):
    outcomes = {}
    for name, told in example("answers.json")["answers"].items():
        headers = {key.lower(): value for key, value in told["headers"].items()}
        answer = Answer(told["status"], headers, json.dumps(told["body"]).encode())
        outcome = connector.judge(answer) or outcome_of(answer)
        outcomes[name] = (outcome.kind, outcome.retry_after)
        if name == "invalid":
            assert connector.blame(answer, ["hs_ticket_priority", "role"]) == {
                "hs_ticket_priority": "HTTP 400: INVALID_OPTION"
            }
    assert outcomes == OUTCOMES
