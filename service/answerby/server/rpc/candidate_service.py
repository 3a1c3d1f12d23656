"""The calls of RulebookService about candidates."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

import msgspec

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.server.base.roles import BRINGS, Role
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
        operator = Role.OPERATOR in current_call.get().roles
        candidate = await self._trials.start(request.revision, segment_of(request.segment), order, operator=operator)
        return pb.StartCandidateResponse(candidate=self._candidate(candidate))

    async def GetCandidate(self, request: pb.GetCandidateRequest, context: Context) -> pb.GetCandidateResponse:
        if not 0 <= request.differences <= DIFFERENCES_KEPT:
            raise InvalidInput([FieldViolation("differences", f"must be from 0 to {DIFFERENCES_KEPT}")])
        call = current_call.get()
        # A token of a tenant sees what was found on its own requests. A token for the rules alone sees sums of numbers.
        candidate, findings = await self._trials.report(request.differences or SHOWN, call.tenant or None)
        if not call.tenant or Role.OPERATOR not in call.roles:
            findings = msgspec.structs.replace(findings, differences=[])
        message = None if candidate is None else self._shown(candidate)
        return pb.GetCandidateResponse(candidate=message, findings=findings_to(findings))

    async def StopCandidate(self, request: pb.StopCandidateRequest, context: Context) -> pb.StopCandidateResponse:
        revision = await self._trials.stop(order_of(Action.END_TRIAL, request.reason))
        return pb.StopCandidateResponse(revision=revision)

    def _shown(self, candidate: Candidate) -> pb.Candidate | None:
        """The candidate. Who may choose no segment sees the name of no other tenant, and no trial on others alone."""
        message = self._candidate(candidate)
        call = current_call.get()
        if not candidate.segment.tenants or BRINGS & call.roles:
            return message
        own = [name for name in candidate.segment.tenants if name == call.tenant]
        message.segment.tenants[:] = own
        return message if own else None

    def _candidate(self, candidate: Candidate) -> pb.Candidate:
        return candidate_to(candidate, self._trial.ready, self._trial.problem)


def order_of(action: Action, reason: str, *, folder: FolderName | None = None, etag: str = "") -> Order:
    """The order of the current caller. Raises InvalidInput."""
    if len(reason) > LONGEST_REASON:
        raise InvalidInput([FieldViolation("reason", f"is longer than {LONGEST_REASON} characters")])
    return Order(action, current_call.get().caller, reason.strip(), folder, etag)
