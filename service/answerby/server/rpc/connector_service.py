"""ConnectorService: what operators do with connectors."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

from collections.abc import AsyncIterator

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.api.v1 import connector_service_pb2_grpc as rpc
from answerby.api.v1 import request_service_pb2 as requests
from answerby.domain.decision import Decision
from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.server.base.services import Services
from answerby.server.flow.backfill import backfill
from answerby.server.flow.delivering.dead_letters import DeadLetters
from answerby.server.flow.delivering.roster import Roster
from answerby.server.flow.delivering.standings import Standings
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.server.flow.dry_run import DryRun, Tried
from answerby.server.flow.webhooks import Disabled
from answerby.server.rpc.connector_life_calls import ConnectorLifeCalls
from answerby.server.rpc.decision_messages import decision_to
from answerby.server.rpc.errors import ConnectorNotFound, public
from answerby.server.rpc.event_messages import event_to
from answerby.server.rpc.interceptors import Context, current_call
from answerby.server.rpc.values import instant_of
from answerby_connectors.kit.base import InboundConnector, PollingConnector


class ConnectorServicer(ConnectorLifeCalls, rpc.ConnectorServiceServicer):
    """Every method acts within the tenant of the call."""

    def __init__(self, services: Services, connectors: Roster, standings: Standings, dry_run: DryRun) -> None:
        self._services = services
        self._connectors = connectors
        self._standings = standings
        self._dead = DeadLetters(services.store)
        self._dry_run = dry_run

    async def SyncConnector(
        self, request: pb.SyncConnectorRequest, context: Context
    ) -> AsyncIterator[pb.SyncConnectorResponse]:
        owned = self._owned(request.name)
        since = instant_of(request.since) if request.HasField("since") else None
        if since is None:
            raise InvalidInput([FieldViolation("since", "is required; a moment between the years 1970 and 2199")])
        if not isinstance(owned.connector, PollingConnector):
            raise InvalidInput([FieldViolation("name", "is a connector that does not ask its platform for changes")])
        async for progress in backfill(self._services, request.name, owned, since):
            yield pb.SyncConnectorResponse(fetched=progress.fetched, added=progress.added, done=progress.done)

    async def TryConnector(self, request: pb.TryConnectorRequest, context: Context) -> pb.TryConnectorResponse:
        owned = self._owned(request.name)
        if not isinstance(owned.connector, InboundConnector):
            raise InvalidInput([FieldViolation("name", "is a connector that takes no webhooks")])
        tried = await self._dry_run.run(request.name, owned, request.headers, request.body)
        return pb.TryConnectorResponse(events=map(self._tried_to, tried))

    def _owned(self, name: str) -> TenantConnector:
        """The connector of the caller's tenant. Raises ConnectorNotFound, and Disabled for one that cannot work now."""
        member = self._connectors.members.get(name)
        if member is None or member.entry.tenant != current_call.get().tenant:
            raise ConnectorNotFound(name=name)
        if name not in self._connectors:
            raise Disabled
        return self._connectors[name]

    def _tried_to(self, tried: Tried) -> pb.TriedEvent:
        message = pb.TriedEvent(event=event_to(tried.event), duplicate=tried.duplicate)
        if isinstance(tried.result, Decision):
            message.decision.CopyFrom(decision_to(tried.result, self._services.clock()))
            return message
        error = public(tried.result)
        message.reason, message.message = error.reason, error.message
        if isinstance(error, InvalidInput):
            message.violations.extend(
                requests.FieldViolation(field=v.field, description=v.description) for v in error.violations
            )
        return message
