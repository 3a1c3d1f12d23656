"""Migrations of clocks as messages."""

from __future__ import annotations

from answerby.api.v1 import request_service_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.engine.explanation.clock_account import target_text
from answerby.server.flow.clock_migration import Job, MovedClock, Progress
from answerby.server.rpc.decision_messages import clock_to


def job_of(request: pb.MigrateClocksRequest, tenant: str, caller: str) -> Job:
    """The migration of a call. Raises InvalidInput."""
    if request.limit < 0:
        raise InvalidInput([FieldViolation("limit", "must not be negative; 0 is all")])
    return Job(tenant, caller, tuple(request.clocks), request.preview, request.limit)


def progress_to(progress: Progress) -> pb.MigrateClocksResponse:
    """The counts so far, and the clocks of the latest page."""
    return pb.MigrateClocksResponse(
        revision=progress.revision,
        examined=progress.examined,
        changed=progress.changed,
        failed=progress.failed,
        moved=map(_moved_to, progress.moved),
        done=progress.done,
    )


def _moved_to(moved: MovedClock) -> pb.MovedClock:
    request, move = moved.request, moved.move
    message = pb.MovedClock(request_id=request.request_id, number=request.number, name=move.name)
    if move.before is not None:
        message.before.CopyFrom(clock_to(move.before, moved.moment))
        message.target_before = target_text(move.before.target)
    if move.after is not None:
        message.after.CopyFrom(clock_to(move.after, moved.moment))
        message.target_after = target_text(move.after.target)
    return message
