"""A dry run: what would become of an incoming webhook. Nothing is stored, and no effect goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError, EventIdReused, InvalidInput
from answerby.domain.event import Event
from answerby.domain.request import RequestState
from answerby.engine.decide import decide
from answerby.server.base.config import Limits
from answerby.server.base.services import Services
from answerby.server.base.validate import event_violations
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.server.flow.processing.fates import Fates
from answerby.server.flow.processing.loading import Loading
from answerby.server.flow.processing.states import LoadedEvent, Waiting
from answerby.server.flow.processing.submission import Origin, Submission, identity_hash
from answerby.server.flow.routing import Route
from answerby.server.live.pointer import Live
from answerby.server.live.rulebooks import RulebookHolder
from answerby_connectors.kit.base import AccountHolder, InboundConnector
from answerby_connectors.kit.hook_reader import HookReader


class OwnWrite(AnswerbyError):
    """The event is the echo of a write of answerby; it is left out."""

    reason = "OWN_WRITE"


class Tried(NamedTuple):
    """What would become of one event."""

    event: Event
    result: Decision | AnswerbyError
    duplicate: bool = False


class DryRun:
    """Reads webhooks and decides their events without storing anything."""

    def __init__(self, services: Services, rulebooks: RulebookHolder, routes: Sequence[Route], limits: Limits) -> None:
        self._now = services.clock
        self._rulebooks = rulebooks
        self._limits = limits
        self._loading = Loading(services, Fates(services), routes, limits.id_characters)

    async def run(self, name: str, owned: TenantConnector, headers: Mapping[str, str], body: bytes) -> list[Tried]:
        """The events of the webhook in their order, each decided after those before it.

        A connector that can read a body without its signature does so. Raises what `receive` of the connector raises.
        """
        connector = owned.connector
        if not isinstance(connector, InboundConnector):
            raise TypeError(f"{name} takes no webhooks")
        if isinstance(connector, HookReader):
            received = connector.read(headers, body)
        else:
            received = connector.receive(headers, body)
        states: dict[str, RequestState] = {}
        events = [msgspec.structs.replace(event, tenant=owned.tenant) for event in received]
        return [await self._try(name, owned, event, states) for event in events]

    async def _try(self, name: str, owned: TenantConnector, event: Event, states: dict[str, RequestState]) -> Tried:
        """One event. `states`: the requests that an event before has changed; the event changes its own."""
        connector = owned.connector
        try:
            if isinstance(connector, InboundConnector):
                completed = await connector.complete(event)
                if completed is None:
                    return Tried(event, OwnWrite())
                event = msgspec.structs.replace(completed, tenant=event.tenant)
            if violations := event_violations(event, self._limits):
                return Tried(event, InvalidInput(violations))
            account = connector.account if isinstance(connector, AccountHolder) else ""
            submission = Submission(event, Origin.INTAKE, identity_hash(event), connector=name, account=account)
            return await self._decided(submission, states)
        except AnswerbyError as error:
            return Tried(event, error)

    async def _decided(self, submission: Submission, states: dict[str, RequestState]) -> Tried:
        """Raises AnswerbyError."""
        waiting = Waiting(submission, asyncio.get_running_loop().create_future(), self._now())
        with self._rulebooks.use() as live:
            loaded = await self._loading.load([waiting], live.windows)
            if not loaded:
                await waiting.result
            stored = loaded[0].stored.duplicate
            if stored is not None:
                if stored.decision is None or stored.payload_hash != waiting.payload_hash:
                    raise EventIdReused(event_id=submission.event.id, source=submission.event.source)
                return Tried(submission.event, stored.decision, duplicate=True)
            return self._decide(loaded[0], live, states)

    def _decide(self, loaded: LoadedEvent, live: Live, states: dict[str, RequestState]) -> Tried:
        event = loaded.event
        state = states.get(event.request_id, loaded.state)
        decision = decide(live.compiled, state, event, loaded.context, self._now(), live.steps)
        if decision.state is not None:
            states[event.request_id] = decision.state
        return Tried(event, decision)
