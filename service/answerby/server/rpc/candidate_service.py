"""The calls of RulebookService about candidates."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.server.live.activation import Order
from answerby.server.live.candidate_trial import Trial
from answerby.server.live.candidates import CandidateTrials
from answerby.server.rpc.candidate_messages import candidate_to, findings_to, segment_of
from answerby.server.rpc.interceptors import Context, current_call
from answerby.store.rulebooks.candidate_records import Candidate
from answerby.store.rulebooks.candidates import DIFFERENCES_KEPT
from answerby.store.rulebooks.revision_records import Action, FolderName

LONGEST_REASON = 1000
SHOWN = 50


class CandidateCalls:
    """The part of the servicer for candidates."""

    _trials: CandidateTrials
    _trial: Trial

    async def StartCandidate(self, request: pb.StartCandidateRequest, context: Context) -> pb.StartCandidateResponse:
        order = order_of(Action.TRY, request.reason)
        candidate = await self._trials.start(request.revision, segment_of(request.segment), order)
        return pb.StartCandidateResponse(candidate=self._candidate(candidate))

    async def GetCandidate(self, request: pb.GetCandidateRequest, context: Context) -> pb.GetCandidateResponse:
        if not 0 <= request.differences <= DIFFERENCES_KEPT:
            raise InvalidInput([FieldViolation("differences", f"must be from 0 to {DIFFERENCES_KEPT}")])
        candidate, findings = await self._trials.report(request.differences or SHOWN)
        message = None if candidate is None else self._candidate(candidate)
        return pb.GetCandidateResponse(candidate=message, findings=findings_to(findings))

    async def StopCandidate(self, request: pb.StopCandidateRequest, context: Context) -> pb.StopCandidateResponse:
        revision = await self._trials.stop(order_of(Action.END_TRIAL, request.reason))
        return pb.StopCandidateResponse(revision=revision)

    def _candidate(self, candidate: Candidate) -> pb.Candidate:
        return candidate_to(candidate, self._trial.ready, self._trial.problem)


def order_of(action: Action, reason: str, *, folder: FolderName | None = None, etag: str = "") -> Order:
    """The order of the current caller. Raises InvalidInput."""
    if len(reason) > LONGEST_REASON:
        raise InvalidInput([FieldViolation("reason", f"is longer than {LONGEST_REASON} characters")])
    return Order(action, current_call.get().caller, reason.strip(), folder, etag)
