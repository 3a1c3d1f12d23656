"""ExportEvents: whole stored requests for backtests. The log holds the caller and the scope of each export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from answerby.api.v1 import request_service_pb2 as pb
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.domain.event import INTERNAL_SOURCE
from answerby.server.base.services import Services
from answerby.server.rpc.decision_messages import decision_to
from answerby.server.rpc.event_messages import event_to
from answerby.server.rpc.values import instant_of, set_instant
from answerby.store.requests.recordings import Recorded, RecordedAfter
from answerby.store.tokens import decode_export, encode_export

PAGE = 50
"""The number of requests in one read."""


class Export(NamedTuple):
    """The subject of an export, and the caller."""

    tenant: str
    caller: str
    call_id: str
    start: datetime
    end: datetime
    scope: str
    """The scope that a page token of this export must match."""
    after: RecordedAfter | None
    with_decisions: bool


class Exporter:
    """Streams requests from the store. The next page is read after the client took the former page."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._logger = services.logger

    async def run(self, export: Export) -> AsyncIterator[pb.ExportEventsResponse]:
        """One message per request. Raises StoreUnavailable."""
        self._log("export began", export, 0)
        count = 0
        after = export.after
        try:
            while page := await self._store.recordings.page(export.tenant, export.start, export.end, after, PAGE):
                for recorded in page:
                    yield _message(export, recorded)
                    count += 1
                after = page[-1].place
        finally:
            self._log("export ended", export, count)

    def _log(self, what: str, export: Export, count: int) -> None:
        self._logger.info(
            what,
            action="export",
            actor=export.caller,
            tenant=export.tenant,
            call_id=export.call_id,
            count=count,
            start=export.start.isoformat(),
            end=export.end.isoformat(),
        )


def export_of(request: pb.ExportEventsRequest, tenant: str, caller: str, call_id: str, now: datetime) -> Export:
    """The export of a call. Without an end, the export reaches to `now`. Raises InvalidInput, InvalidPageToken."""
    start = instant_of(request.start_time) if request.HasField("start_time") else None
    end = instant_of(request.end_time) if request.HasField("end_time") else now
    violations = []
    if start is None:
        problem = "must be between the years 1970 and 2199" if request.HasField("start_time") else "is required"
        violations.append(FieldViolation("start_time", problem))
    if end is None:
        violations.append(FieldViolation("end_time", "must be between the years 1970 and 2199"))
    if start is not None and end is not None and end < start:
        violations.append(FieldViolation("end_time", "must not lie before start_time"))
    if violations or start is None or end is None:
        raise InvalidInput(violations)
    # Without an end, each call means another moment. Requests received in between may follow.
    scope = f"{start.isoformat()} {end.isoformat() if request.HasField('end_time') else ''}"
    after = RecordedAfter(*decode_export(tenant, scope, request.page_token)) if request.page_token else None
    return Export(tenant, caller, call_id, start, end, scope, after, request.include_decisions)


def _message(export: Export, recorded: Recorded) -> pb.ExportEventsResponse:
    token = encode_export(export.tenant, export.scope, recorded.place)
    message = pb.ExportEventsResponse(page_token=token, unreadable=recorded.unreadable)
    request = message.request
    request.request_id = recorded.place.request_id
    request.number = recorded.number
    set_instant(request.create_time, recorded.created)
    for event, decision in zip(recorded.events, recorded.decisions, strict=True):
        if event.source.startswith(INTERNAL_SOURCE) and not export.with_decisions:
            continue
        entry = request.events.add(event=event_to(event), historical=event.historical)
        set_instant(entry.decide_time, decision.decided)
        if export.with_decisions:
            entry.decision.CopyFrom(decision_to(decision, decision.decided))
    return message
