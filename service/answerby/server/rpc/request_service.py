"""RequestService: takes events and returns requests and decisions."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from answerby.api.v1 import request_service_pb2 as pb
from answerby.api.v1 import request_service_pb2_grpc as rpc
from answerby.api.v1 import resources_pb2 as resources
from answerby.domain.errors import AnswerbyError, FieldViolation, InternalError, InvalidInput
from answerby.rules.model.vocabulary import Vocabulary
from answerby.server.base.config import Limits
from answerby.server.base.services import Services
from answerby.server.base.validate import identity_violations
from answerby.server.flow.clock_migration import Migrator
from answerby.server.flow.processing.processor import Processor
from answerby.server.flow.processing.submission import Processed, Submission
from answerby.server.live.rulebooks import RulebookHolder
from answerby.server.rpc.decision_messages import (
    FLAGGED_DECISIONS,
    decision_to,
    encode_decision,
    lasting_flags,
    nested,
    request_to,
)
from answerby.server.rpc.delivery_messages import deliveries_to
from answerby.server.rpc.errors import code_of, public
from answerby.server.rpc.event_messages import event_from
from answerby.server.rpc.export import Exporter, export_of
from answerby.server.rpc.interceptors import Context, current_call
from answerby.server.rpc.migration_messages import job_of, progress_to
from answerby.server.rpc.watch import Watch, Watcher
from answerby.store.records import RequestFilter

DECISIONS_DEFAULT, DECISIONS_MOST = 20, 200
PAGE_DEFAULT, PAGE_MOST = 50, 500


class RequestServicer(rpc.RequestServiceServicer):
    """Every method acts within the tenant of the call."""

    def __init__(
        self,
        services: Services,
        processor: Processor,
        rulebooks: RulebookHolder,
        watcher: Watcher,
        limits: Limits,
    ) -> None:
        self._store = services.store
        self._now = services.clock
        self._processor = processor
        self._rulebooks = rulebooks
        self._watcher = watcher
        self._limits = limits
        self._exporter = Exporter(services)
        self._migrator = Migrator(services, processor, rulebooks)

    async def SubmitEvent(self, request: pb.SubmitEventRequest, context: Context) -> Any:
        """A SubmitEventResponse, encoded."""
        event = event_from(request.event, current_call.get().tenant, self._limits, historical=request.historical)
        processed = await self._processor.process(event)
        assert processed.decision is not None
        decision = encode_decision(processed.decision, self._now())
        rest = pb.SubmitEventResponse(duplicate=processed.duplicate).SerializeToString()
        return nested(pb.SubmitEventResponse.DECISION_FIELD_NUMBER, decision) + rest

    async def SubmitEvents(self, request: pb.SubmitEventsRequest, context: Context) -> Any:
        """A SubmitEventsResponse, encoded."""
        check_batch_size(len(request.events), self._limits.batch_events)
        tenant = current_call.get().tenant
        fates: list[Processed | AnswerbyError | None] = []
        submissions: list[Submission] = []
        for message in request.events:
            try:
                submissions.append(Submission(event_from(message, tenant, self._limits, historical=request.historical)))
                fates.append(None)
            except InvalidInput as error:
                fates.append(error)
        processed = iter(await self._processor.process_many(submissions))
        now = self._now()
        results = [_result(fate or next(processed), now, brief=request.brief) for fate in fates]
        return b"".join(nested(pb.SubmitEventsResponse.RESULTS_FIELD_NUMBER, result) for result in results)

    async def GetRequest(self, request: pb.GetRequestRequest, context: Context) -> pb.GetRequestResponse:
        violations = identity_violations("request_id", request.request_id, self._limits)
        if request.decision_limit < 0:
            violations.append(FieldViolation("decision_limit", "must not be negative"))
        if violations:
            raise InvalidInput(violations)
        tenant = current_call.get().tenant
        limit = min(request.decision_limit or DECISIONS_DEFAULT, DECISIONS_MOST)
        most = max(limit, FLAGGED_DECISIONS)
        state, latest = await self._store.requests.snapshot(tenant, request.request_id, most)
        decisions = latest[:limit]
        now = self._now()
        message = request_to(state, self._vocabulary(), now)
        message.flags.extend(lasting_flags(latest))
        return pb.GetRequestResponse(request=message, decisions=[decision_to(decision, now) for decision in decisions])

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, context: Context) -> pb.ListDeliveriesResponse:
        if violations := identity_violations("request_id", request.request_id, self._limits):
            raise InvalidInput(violations)
        tenant = current_call.get().tenant
        await self._store.requests.snapshot(tenant, request.request_id, 1)
        lines = await self._store.connectors.deliveries(tenant, request.request_id)
        return deliveries_to(lines, await self._store.connectors.waiting(tenant, request.request_id))

    async def ListRequests(self, request: pb.ListRequestsRequest, context: Context) -> pb.ListRequestsResponse:
        if request.page_size < 0:
            raise InvalidInput([FieldViolation("page_size", "must not be negative")])
        tenant = current_call.get().tenant
        page = await self._store.listing.page(
            tenant,
            RequestFilter(
                categories=tuple(request.categories),
                priorities=tuple(request.priorities),
                statuses=tuple(request.statuses),
                departments=tuple(request.departments),
                breached_only=request.breached_only,
            ),
            request.page_token,
            min(request.page_size or PAGE_DEFAULT, PAGE_MOST),
        )
        vocabulary, now = self._vocabulary(), self._now()
        requests = [request_to(state, vocabulary, now) for state in page.requests]
        if request.with_flags:
            await self._add_flags(tenant, requests)
        return pb.ListRequestsResponse(
            requests=requests, next_page_token=page.next_token, unreadable_request_ids=page.unreadable
        )

    async def _add_flags(self, tenant: str, requests: Sequence[resources.Request]) -> None:
        """Adds the flags of their latest decisions to requests; where these cannot be read, a flag that says so."""
        ids = [request.request_id for request in requests]
        recent = await self._store.requests.recent_decisions(tenant, ids, FLAGGED_DECISIONS)
        for request, decisions in zip(requests, recent, strict=True):
            if isinstance(decisions, AnswerbyError):
                request.flags.add(code=decisions.reason, message=decisions.message)
            else:
                request.flags.extend(lasting_flags(decisions))

    async def WatchDecisions(
        self, request: pb.WatchDecisionsRequest, context: Context
    ) -> AsyncIterator[pb.WatchDecisionsResponse]:
        if request.from_start and request.resume_token:
            raise InvalidInput([FieldViolation("from_start", "cannot be given together with resume_token")])
        watch = Watch(
            tenant=current_call.get().tenant,
            resume_token=request.resume_token,
            from_start=request.from_start,
            request_ids=frozenset(request.request_ids),
            priorities=frozenset(request.priorities),
        )
        async for message in self._watcher.follow(watch):
            yield message

    async def ExportEvents(
        self, request: pb.ExportEventsRequest, context: Context
    ) -> AsyncIterator[pb.ExportEventsResponse]:
        call = current_call.get()
        async for message in self._exporter.run(export_of(request, call.tenant, call.caller, call.id, self._now())):
            yield message

    async def MigrateClocks(
        self, request: pb.MigrateClocksRequest, context: Context
    ) -> AsyncIterator[pb.MigrateClocksResponse]:
        call = current_call.get()
        async for progress in self._migrator.run(job_of(request, call.tenant, call.caller)):
            yield progress_to(progress)

    def _vocabulary(self) -> Vocabulary | None:
        rulebook = self._rulebooks.active
        return rulebook.vocabulary if rulebook is not None else None


def check_batch_size(count: int, most: int) -> None:
    """Checks the size of a batch. Raises InvalidInput for an empty or too large batch."""
    if not 1 <= count <= most:
        raise InvalidInput([FieldViolation("events", f"holds {count} events; a batch has 1 to {most}")])


def _result(fate: Processed | AnswerbyError, now: datetime, *, brief: bool) -> bytes:
    """An encoded SubmitEventResult."""
    if isinstance(fate, Processed) and fate.decision is not None:
        decision = encode_decision(fate.decision, now, brief=brief)
        rest = pb.SubmitEventResult(duplicate=fate.duplicate).SerializeToString()
        return nested(pb.SubmitEventResult.DECISION_FIELD_NUMBER, decision) + rest
    error = public(fate if isinstance(fate, AnswerbyError) else InternalError())
    violations = error.violations if isinstance(error, InvalidInput) else []
    return pb.SubmitEventResult(
        code=code_of(error),
        reason=error.reason,
        message=error.message,
        violations=[pb.FieldViolation(field=v.field, description=v.description) for v in violations],
    ).SerializeToString()
