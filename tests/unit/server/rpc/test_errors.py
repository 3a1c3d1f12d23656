"""Errors on the wire: one ErrorInfo each, every reason known, nothing of the inside told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.rpc import error_details_pb2

import answerby
import answerby_connectors
from answerby.domain import errors as domain
from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput, RulebookRejected
from answerby.server.rpc import errors
from answerby.server.rpc.errors import CODES, RETRY_SECONDS, Code, to_status


def unpack(error: AnswerbyError) -> dict[str, object]:
    found = {}
    for detail in to_status(error).details:
        message = getattr(error_details_pb2, detail.TypeName().rpartition(".")[2])()
        assert detail.Unpack(message)
        assert type(message).__name__ not in found
        found[type(message).__name__] = message
    return found


def kinds() -> list[type[AnswerbyError]]:
    named = [value for module in (domain, errors) for value in vars(module).values()]
    return [v for v in named if isinstance(v, type) and issubclass(v, AnswerbyError) and v is not InvalidInput]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_error_has_one_reason_and_a_code(kind):
    error = kind()
    details = unpack(error)
    info = details["ErrorInfo"]
    assert info.domain == "answerby"
    assert info.reason == error.reason
    assert re.fullmatch(r"[A-Z][A-Z0-9_]{2,62}", info.reason)
    assert to_status(error).code == CODES[error.reason]
    assert to_status(error).message
    assert ("RetryInfo" in details) == (error.reason in RETRY_SECONDS)


def test_every_reason_in_the_code_is_in_the_table():
    homes = [Path(answerby.__file__).parent, Path(answerby_connectors.__file__).parent]
    text = "".join(path.read_text("utf-8") for home in homes for path in home.rglob("*.py") if "api" not in path.parts)
    raised = set(re.findall(r'^    reason = "([A-Z_]+)"$', text, re.MULTILINE))
    assert set(CODES) <= raised
    assert {"INVALID_FIELDS", "EVENT_ID_REUSED", "RULEBOOK_REJECTED"} <= raised


def test_all_violations_are_in_the_details():
    error = InvalidInput([FieldViolation("event.id", "must not be empty"), FieldViolation("event.time", "is required")])
    assert [v.field for v in unpack(error)["BadRequest"].field_violations] == ["event.id", "event.time"]
    assert to_status(error).code == Code.INVALID_ARGUMENT


def test_every_mistake_in_the_rule_files_is_in_the_details():
    details = unpack(RulebookRejected(["a.yaml:1: one", "b.yaml:2: two"], "the rule files have 2 errors"))
    violations = details["PreconditionFailure"].violations
    assert [(v.type, v.subject, v.description) for v in violations] == [
        ("RULE_FILE", "rules", "a.yaml:1: one"),
        ("RULE_FILE", "rules", "b.yaml:2: two"),
    ]


def test_what_is_internal_keeps_its_words():
    error = AnswerbyError("redis said: secret", place="here")
    status = to_status(error)
    assert status.code == Code.INTERNAL
    assert "secret" not in str(status)
    assert "here" not in str(status)
