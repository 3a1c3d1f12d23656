"""Errors over HTTP: RFC 9457 problem details, with the reason, and the details that gRPC callers get."""

from __future__ import annotations

import math
from typing import Any

from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from starlette.responses import JSONResponse, Response

from answerby.domain.errors import AnswerbyError
from answerby.server.rpc.errors import Code, to_status

MEDIA_TYPE = "application/problem+json"
STATUSES: dict[Code, int] = {
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
"""As the comments of google.rpc.Code say."""
OF_REASONS = {
    "EVENT_ID_REUSED": 422,  # as the draft of the header Idempotency-Key says
    "BODY_TOO_LARGE": 413,
    "NOT_JSON": 415,
    "METHOD_NOT_ALLOWED": 405,
    "UNKNOWN_PATH": 404,
}


class UnknownPath(AnswerbyError):
    """No call has this path; /openapi.json lists the paths."""

    reason = "UNKNOWN_PATH"


class MethodNotAllowed(AnswerbyError):
    """The path is called by another method."""

    reason = "METHOD_NOT_ALLOWED"


class BodyTooLarge(AnswerbyError):
    """The body is larger than the server takes; send fewer events at a time."""

    reason = "BODY_TOO_LARGE"


class NotJson(AnswerbyError):
    """The body must be JSON in UTF-8, sent with `content-type: application/json`."""

    reason = "NOT_JSON"


def problem_of(error: AnswerbyError, call_id: str = "") -> dict[str, Any]:
    """The problem details of an error."""
    if error.reason in ("UNKNOWN_PATH", "METHOD_NOT_ALLOWED", "BODY_TOO_LARGE", "NOT_JSON"):
        return _problem(OF_REASONS[error.reason], error.reason, error.message, {}, call_id)
    return problem_of_status(to_status(error), call_id)


def problem_of_status(status: Any, call_id: str = "") -> dict[str, Any]:
    """The problem details of a google.rpc.Status."""
    code = Code(status.code)
    info = error_details_pb2.ErrorInfo()
    extra: dict[str, Any] = {}
    for detail in status.details:
        for kind, add in _DETAILS.items():
            if detail.Is(kind.DESCRIPTOR):
                message = kind()
                detail.Unpack(message)
                extra |= add(message)
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
    if info.metadata:
        extra["metadata"] = dict(info.metadata)
    status_code = OF_REASONS.get(info.reason, STATUSES.get(code, 500))
    return _problem(status_code, info.reason or code.name, status.message, {"code": code.name, **extra}, call_id)


def _problem(status: int, reason: str, detail: str, extra: dict[str, Any], call_id: str) -> dict[str, Any]:
    instance = {"instance": f"urn:answerby:call:{call_id}"} if call_id else {}
    return {
        "type": f"urn:answerby:reason:{reason}",
        "title": reason.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        **instance,
        "reason": reason,
        **extra,
    }


def respond(problem: dict[str, Any]) -> Response:
    headers = {}
    if "retry_after_seconds" in problem:
        headers["Retry-After"] = str(max(1, math.ceil(problem["retry_after_seconds"])))
    if problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(problem, problem["status"], headers, MEDIA_TYPE)


def _violations(message: Any) -> dict[str, Any]:
    return {"violations": [{"field": v.field, "description": v.description} for v in message.field_violations]}


def _preconditions(message: Any) -> dict[str, Any]:
    return {"findings": [v.description for v in message.violations]}


def _retry(message: Any) -> dict[str, Any]:
    return {"retry_after_seconds": message.retry_delay.ToMilliseconds() / 1000}


_DETAILS = {
    error_details_pb2.BadRequest: _violations,
    error_details_pb2.PreconditionFailure: _preconditions,
    error_details_pb2.RetryInfo: _retry,
}
