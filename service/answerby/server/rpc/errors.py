"""AnswerbyError to google.rpc.Status (AIP-193): one ErrorInfo, and the details for the code."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status

from answerby.domain.errors import AnswerbyError, InternalError, InvalidInput, RulebookRejected

DOMAIN = "answerby"


class Code(IntEnum):
    """The google.rpc.Code values in use."""

    OK = 0
    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


CODES: dict[str, Code] = {
    "INVALID_FIELDS": Code.INVALID_ARGUMENT,
    "MALFORMED_MESSAGE": Code.INVALID_ARGUMENT,
    "EVENT_ID_REUSED": Code.INVALID_ARGUMENT,
    "TIME_OUT_OF_RANGE": Code.INVALID_ARGUMENT,
    "TARGET_OUT_OF_REACH": Code.FAILED_PRECONDITION,
    "INVALID_PAGE_TOKEN": Code.INVALID_ARGUMENT,
    "REQUEST_NOT_FOUND": Code.NOT_FOUND,
    "DECISION_NOT_FOUND": Code.NOT_FOUND,
    "REVISION_NOT_FOUND": Code.NOT_FOUND,
    "CONNECTOR_NOT_FOUND": Code.NOT_FOUND,
    "CONNECTOR_DISABLED": Code.FAILED_PRECONDITION,
    "INVALID_SIGNATURE": Code.INVALID_ARGUMENT,
    "PLATFORM_UNAVAILABLE": Code.UNAVAILABLE,
    "DEAD_LETTER_NOT_FOUND": Code.NOT_FOUND,
    "UNAUTHENTICATED": Code.UNAUTHENTICATED,
    "PERMISSION_DENIED": Code.PERMISSION_DENIED,
    "OWN_REVISION": Code.PERMISSION_DENIED,
    "CONNECTOR_CANNOT_CHECK": Code.FAILED_PRECONDITION,
    "CONNECTOR_PAUSED": Code.FAILED_PRECONDITION,
    "EFFECT_SUPERSEDED": Code.FAILED_PRECONDITION,
    "RULEBOOK_REJECTED": Code.FAILED_PRECONDITION,
    "APPROVAL_REQUIRED": Code.FAILED_PRECONDITION,
    "REVISION_REFUSED": Code.FAILED_PRECONDITION,
    "REVISION_ACTIVE": Code.FAILED_PRECONDITION,
    "NO_PREVIOUS_REVISION": Code.FAILED_PRECONDITION,
    "NO_RULES_FOLDER": Code.FAILED_PRECONDITION,
    "NO_CANDIDATE": Code.FAILED_PRECONDITION,
    "RULEBOOK_MOVED": Code.FAILED_PRECONDITION,
    "WORKER_NOT_READY": Code.FAILED_PRECONDITION,
    "CALENDAR_YEAR_MISSING": Code.FAILED_PRECONDITION,
    "ENGINE_LIMIT": Code.FAILED_PRECONDITION,
    "RULEBOOK_UNAVAILABLE": Code.UNAVAILABLE,
    "STORE_UNAVAILABLE": Code.UNAVAILABLE,
    "DRAINING": Code.UNAVAILABLE,
    "CONTENTION": Code.ABORTED,
    "RULEBOOK_CHANGED": Code.ABORTED,
    "ACTIVATION_UNDER_WAY": Code.ABORTED,
    "OVERLOADED": Code.RESOURCE_EXHAUSTED,
    "RECORD_UNREADABLE": Code.DATA_LOSS,
    "RESUME_TOKEN_EXPIRED": Code.OUT_OF_RANGE,
    "DEADLINE_EXCEEDED": Code.DEADLINE_EXCEEDED,
    "INTERNAL": Code.INTERNAL,
}
"""Every reason of a failed call, and its google.rpc.Code. Clients retry UNAVAILABLE by themselves."""

RETRY_SECONDS: dict[str, float] = {
    "RULEBOOK_UNAVAILABLE": 5.0,
    "STORE_UNAVAILABLE": 1.0,
    "DRAINING": 0.2,
    "CONTENTION": 0.1,
    "ACTIVATION_UNDER_WAY": 1.0,
    "OVERLOADED": 1.0,
    "PLATFORM_UNAVAILABLE": 5.0,
}


RESOURCES = {
    "REQUEST_NOT_FOUND": "answerby.v1.Request",
    "DECISION_NOT_FOUND": "answerby.v1.Decision",
    "REVISION_NOT_FOUND": "answerby.v1.Revision",
    "DEAD_LETTER_NOT_FOUND": "answerby.v1.DeadLetter",
    "CONNECTOR_NOT_FOUND": "answerby.v1.Connector",
}
"""The kind of the missing resource, by reason."""


class Unauthenticated(AnswerbyError):
    """The call brings no valid bearer token; send `authorization: Bearer <token>`."""

    reason = "UNAUTHENTICATED"


class ConnectorNotFound(AnswerbyError):
    """The tenant has no connector of this name; its names are in the configuration of the server."""

    reason = "CONNECTOR_NOT_FOUND"


class MalformedMessage(AnswerbyError):
    """The bytes are no message of the method's request type; build it from proto/answerby/v1."""

    reason = "MALFORMED_MESSAGE"


class DeadlineExceeded(AnswerbyError):
    """The call did not end within its deadline; an event sent may have been accepted, send it again to know."""

    reason = "DEADLINE_EXCEEDED"


def code_of(error: AnswerbyError) -> Code:
    """The google.rpc.Code of an error. An unlisted reason is INTERNAL."""
    return CODES.get(error.reason, Code.INTERNAL)


def public(error: AnswerbyError) -> AnswerbyError:
    """The error in the form for callers. An INTERNAL error loses its words."""
    return InternalError() if code_of(error) == Code.INTERNAL else error


def to_status(error: AnswerbyError) -> Any:
    """The complete error for the wire."""
    error = public(error)
    status = status_pb2.Status(code=code_of(error), message=error.message[:1500])
    for detail in _details(error):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def to_grpc_status(error: AnswerbyError) -> grpc.Status:
    """The status for ServicerContext.abort_with_status."""
    status: grpc.Status = rpc_status.to_status(to_status(error))
    return status


def _details(error: AnswerbyError) -> list[Message]:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=dict(error.metadata))
    ]
    if isinstance(error, InvalidInput):
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
                    for v in error.violations[:100]
                ]
            )
        )
    if isinstance(error, RulebookRejected):
        details.append(_precondition(error))
    if kind := RESOURCES.get(error.reason):
        details.append(error_details_pb2.ResourceInfo(resource_type=kind, resource_name=error.metadata.get("name", "")))
    if error.reason in RETRY_SECONDS:
        delay = Duration()
        delay.FromMilliseconds(int(RETRY_SECONDS[error.reason] * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _precondition(error: RulebookRejected) -> Message:
    """One violation per mistake in the rule files."""
    failure: Message = error_details_pb2.PreconditionFailure(
        violations=[
            error_details_pb2.PreconditionFailure.Violation(type="RULE_FILE", subject="rules", description=line)
            for line in error.findings[:100]
        ]
    )
    return failure
