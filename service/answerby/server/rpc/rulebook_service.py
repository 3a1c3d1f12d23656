"""RulebookService: the active rules, the activation of a change, and its rollback."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from answerby.api.v1 import rulebook_service_pb2 as pb
from answerby.api.v1 import rulebook_service_pb2_grpc as rpc
from answerby.domain.errors import FieldViolation, InvalidInput, NoRulesFolder
from answerby.server.base.services import Services
from answerby.server.live.activation import Order
from answerby.server.live.live_rules import LiveRules
from answerby.server.live.rule_files import RuleFiles, uploaded
from answerby.server.live.rulebooks import RulebookHolder
from answerby.server.rpc.candidate_service import CandidateCalls, order_of
from answerby.server.rpc.interceptors import Context
from answerby.server.rpc.rulebook_messages import activation_to, revision_to, rulebook_to
from answerby.store.rulebooks.revision_records import Action, Revision
from answerby.store.tokens import decode_offset, encode_offset

PAGE, LARGEST_PAGE = 50, 500

T = TypeVar("T")


class RulebookServicer(CandidateCalls, rpc.RulebookServiceServicer):
    def __init__(self, services: Services, rulebooks: RulebookHolder, rules: LiveRules) -> None:
        self._store = services.store
        self._rulebooks = rulebooks
        self._folder = rules.folder
        self._changes = rules.changes
        self._follower = rules.follower
        self._trials = rules.trials
        self._trial = rules.trial
        self._approval_required = rules.approval_required

    async def GetRulebook(self, request: pb.GetRulebookRequest, context: Context) -> pb.GetRulebookResponse:
        waiting = []
        if self._approval_required:
            active = self._active()
            waiting = [
                r.revision for r in await self._store.revisions.all() if r.verdict is None and r.revision != active
            ]
        return pb.GetRulebookResponse(rulebook=await self._rulebook(waiting))

    async def ReloadRulebook(self, request: pb.ReloadRulebookRequest, context: Context) -> pb.ReloadRulebookResponse:
        if not self._folder.given:
            raise NoRulesFolder
        order = order_of(Action.RELOAD, request.reason, folder=self._folder.name)
        files = await self._folder.read()
        changed, revision, waiting = await self._bring(files, order, request.validate_only, request.keep_only)
        rulebook = await self._rulebook()
        return pb.ReloadRulebookResponse(rulebook=rulebook, changed=changed, revision=revision, waiting=waiting)

    async def UploadRevision(self, request: pb.UploadRevisionRequest, context: Context) -> pb.UploadRevisionResponse:
        order = order_of(Action.UPLOAD, request.reason)
        files = uploaded(_distinct(request.files))
        changed, revision, waiting = await self._bring(files, order, request.validate_only, request.keep_only)
        rulebook = await self._rulebook()
        return pb.UploadRevisionResponse(rulebook=rulebook, changed=changed, revision=revision, waiting=waiting)

    async def ListRevisions(self, request: pb.ListRevisionsRequest, context: Context) -> pb.ListRevisionsResponse:
        page, token = _page(await self._store.revisions.all(), "revisions", request.page_size, request.page_token)
        return pb.ListRevisionsResponse(revisions=[self._revision(kept) for kept in page], next_page_token=token)

    async def GetRevision(self, request: pb.GetRevisionRequest, context: Context) -> pb.GetRevisionResponse:
        kept = await self._changes.revision(request.revision)
        files = await self._store.revisions.files(kept.revision) if request.include_files else None
        message = revision_to(kept, self._active(), files, approval_required=self._approval_required)
        return pb.GetRevisionResponse(revision=message)

    async def ActivateRevision(
        self, request: pb.ActivateRevisionRequest, context: Context
    ) -> pb.ActivateRevisionResponse:
        order = order_of(Action.ACTIVATE, request.reason, etag=request.etag)
        outcome = await self._changes.activate(request.revision, order)
        return pb.ActivateRevisionResponse(rulebook=await self._rulebook(), changed=outcome.changed)

    async def RollbackRulebook(
        self, request: pb.RollbackRulebookRequest, context: Context
    ) -> pb.RollbackRulebookResponse:
        before, _ = await self._changes.rollback(order_of(Action.ROLLBACK, request.reason, etag=request.etag))
        return pb.RollbackRulebookResponse(rulebook=await self._rulebook(), from_revision=before)

    async def ApproveRevision(self, request: pb.ApproveRevisionRequest, context: Context) -> pb.ApproveRevisionResponse:
        order = order_of(Action.ACTIVATE, request.reason)
        kept = await self._changes.judge(request.revision, order.actor, order.reason, approved=True)
        if request.activate:
            await self._changes.activate(kept.revision, order)
        return pb.ApproveRevisionResponse(revision=self._revision(kept), rulebook=await self._rulebook())

    async def RejectRevision(self, request: pb.RejectRevisionRequest, context: Context) -> pb.RejectRevisionResponse:
        order = order_of(Action.REJECT, request.reason)
        kept = await self._changes.judge(request.revision, order.actor, order.reason, approved=False)
        return pb.RejectRevisionResponse(revision=self._revision(kept))

    async def ListActivations(self, request: pb.ListActivationsRequest, context: Context) -> pb.ListActivationsResponse:
        page, token = _page(await self._store.revisions.history(), "activations", request.page_size, request.page_token)
        return pb.ListActivationsResponse(activations=[activation_to(entry) for entry in page], next_page_token=token)

    async def PromoteCandidate(
        self, request: pb.PromoteCandidateRequest, context: Context
    ) -> pb.PromoteCandidateResponse:
        outcome = await self._trials.promote(order_of(Action.PROMOTE, request.reason, etag=request.etag))
        return pb.PromoteCandidateResponse(rulebook=await self._rulebook(), changed=outcome.changed)

    async def _bring(
        self, files: RuleFiles, order: Order, validate_only: bool, keep_only: bool
    ) -> tuple[bool, str, bool]:
        """Whether another revision is live, the revision of the files, and whether that revision waits."""
        if validate_only:
            checked = await self._changes.validate(files)
            return False, checked.rulebook.revision if checked.rulebook is not None else "", False
        outcome = await self._changes.bring(files, order, keep_only=keep_only)
        return outcome.changed, outcome.revision, outcome.waiting

    def _active(self) -> str:
        """The name of the active revision in the store."""
        pointer = self._rulebooks.status.pointer
        return pointer.revision if pointer is not None else ""

    async def _rulebook(self, waiting: Iterable[str] = ()) -> pb.Rulebook:
        scene = await self._follower.scene()
        return rulebook_to(self._rulebooks.status, scene, waiting, approval_required=self._approval_required)

    def _revision(self, kept: Revision) -> pb.Revision:
        return revision_to(kept, self._active(), approval_required=self._approval_required)


def _distinct(files: Iterable[pb.RulebookFile]) -> dict[str, bytes]:
    """The files by path. Raises InvalidInput."""
    content: dict[str, bytes] = {}
    twice = []
    for number, file in enumerate(files):
        if file.path in content:
            twice.append(FieldViolation(f"files[{number}].path", f"{file.path!r} is there twice"))
        content[file.path] = file.content
    if twice:
        raise InvalidInput(twice)
    return content


def _page(items: Sequence[T], kind: str, size: int, token: str) -> tuple[Sequence[T], str]:
    """One page and the token of the next. Raises InvalidInput and InvalidPageToken."""
    if size < 0:
        raise InvalidInput([FieldViolation("page_size", "is negative")])
    start = decode_offset(kind, token) if token else 0
    end = start + min(size or PAGE, LARGEST_PAGE)
    return items[start:end], encode_offset(kind, end) if end < len(items) else ""
