"""The example answers of Salesforce, where a folder of them is to be had. There is no OpenAPI document of its API."""

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
    "upsert_created": (OutcomeKind.DONE, None),
    "upsert_many": (OutcomeKind.FAILED, None),
    "unauthorized": (OutcomeKind.HELD, None),  # after a new token was refused, too
    "forbidden": (OutcomeKind.FAILED, None),  # the third in a row holds the connector
    "not_found": (OutcomeKind.FAILED, None),
    "invalid": (OutcomeKind.FAILED, None),
    "row_lock": (OutcomeKind.RETRY, None),
    "precondition": (OutcomeKind.RETRY, None),
    "rate_limited": (OutcomeKind.RETRY, 900.0),
    "composite_partial": (OutcomeKind.FAILED, None),
}


def test_each_answer_has_its_outcome(connector):
    told = json.loads((Path(str(VENDORS)) / "salesforce" / "answers.json").read_text("utf-8"))["answers"]
    outcomes = {}
    del told["collections_partial"]  # no collection is ever written
    for name, one in told.items():
        headers = {key.lower(): value for key, value in one["headers"].items()}
        answer = Answer(one["status"], headers, json.dumps(one["body"]).encode() if one["body"] else b"")
        outcome = connector.judge(answer) or outcome_of(answer)
        outcomes[name] = (outcome.kind, outcome.retry_after)
        if name == "invalid":
            assert connector.blame(answer, ["Priority", "Type"]) == {
                "Priority": "HTTP 400: INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            }
    assert outcomes == OUTCOMES
