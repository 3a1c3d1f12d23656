"""The reasons of failed attempts are few, whatever a connector says."""

from __future__ import annotations

import httpx2
import pytest

from answerby.server.flow.delivering.delivery_reasons import reason_of
from answerby_connectors.kit.base import LEASE_OVER
from answerby_connectors.kit.http.transport import outcome_of_error


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        ("HTTP 429", "http_429"),
        ("HTTP 401: the receiver does not accept the secret", "http_401"),
        ("TLS: certificate has expired; correct the host", "tls"),
        ("no outcome within 120 s", "timeout"),
        (LEASE_OVER.detail, "lease"),
        ("another worker took it over", "lease"),
        ("stopped while it was under way", "stopped"),
        ("HTTP 999 999", "other"),
        ("the ticket of 王芳 is locked", "other"),
        ("", "other"),
    ],
)
def test_a_detail_has_a_reason(detail, reason):
    assert reason_of(detail) == reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx2.ConnectError("x"), "no_connection"),
        (httpx2.ConnectTimeout("x"), "timeout"),
        (httpx2.ReadTimeout("x"), "timeout"),
        (httpx2.ReadError("x"), "answer_lost"),
        (httpx2.RemoteProtocolError("x"), "answer_lost"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_an_error_of_the_line_has_a_reason(error, reason):
    assert reason_of(outcome_of_error(error).detail) == reason
