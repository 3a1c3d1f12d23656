"""The calls of ConnectorService on how connectors stand, and what was given up."""

# ruff: noqa: ARG002, N802 - names and arguments are those of the generated interface
from __future__ import annotations

import asyncio

from answerby.api.v1 import connector_service_pb2 as pb
from answerby.domain.errors import AnswerbyError, FieldViolation, InvalidInput
from answerby.server.base.config import Enabled
from answerby.server.base.services import Services
from answerby.server.flow.delivering.dead_letters import DeadLetter, DeadLetters, Direction
from answerby.server.flow.delivering.roster import Roster
from answerby.server.flow.delivering.standings import ConnectorState, Standing, Standings
from answerby.server.rpc.errors import ConnectorNotFound
from answerby.server.rpc.interceptors import Context, current_call
from answerby.server.rpc.values import set_instant
from answerby.store.connector_life import PauseRecord
from answerby_connectors.kit.base import CheckableConnector, InboundConnector, PollingConnector

LONGEST_REASON = 1000
PAGE, LARGEST_PAGE = 100, 500
CHECK_SECONDS = 60.0
STATES = {state: pb.ConnectorState.Value(f"CONNECTOR_STATE_{state.name}") for state in ConnectorState}
DIRECTIONS = {
    Direction.OUTBOUND: pb.DEAD_LETTER_DIRECTION_OUTBOUND,
    Direction.INBOUND: pb.DEAD_LETTER_DIRECTION_INBOUND,
}
GIVEN = {value: direction for direction, value in DIRECTIONS.items()}


class CannotCheck(AnswerbyError):
    """The connector has no check of its platform."""

    reason = "CONNECTOR_CANNOT_CHECK"


class PausedByConfiguration(AnswerbyError):
    """The configuration pauses the connector; set enabled = true there, and restart."""

    reason = "CONNECTOR_PAUSED"


class ConnectorLifeCalls:
    """The part of the servicer for operators."""

    _services: Services
    _connectors: Roster
    _standings: Standings
    _dead: DeadLetters

    async def ListConnectors(self, request: pb.ListConnectorsRequest, context: Context) -> pb.ListConnectorsResponse:
        standings = await self._standings.of(current_call.get().tenant)
        return pb.ListConnectorsResponse(connectors=map(connector_to, standings))

    async def GetConnector(self, request: pb.GetConnectorRequest, context: Context) -> pb.GetConnectorResponse:
        return pb.GetConnectorResponse(connector=connector_to(await self._standing(request.name)))

    async def CheckConnector(self, request: pb.CheckConnectorRequest, context: Context) -> pb.CheckConnectorResponse:
        standing = await self._standing(request.name)
        connector = standing.member.connector if standing.member is not None else None
        if connector is None:
            finding = pb.CheckFinding(text=f"{standing.state}: {standing.detail}", good=False)
            return pb.CheckConnectorResponse(findings=[finding])
        if not isinstance(connector, CheckableConnector):
            raise CannotCheck(name=request.name)
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                found = await connector.check()
        except TimeoutError:
            finding = pb.CheckFinding(text=f"the platform did not answer within {CHECK_SECONDS:g} s", good=False)
            return pb.CheckConnectorResponse(findings=[finding])
        except AnswerbyError as error:
            return pb.CheckConnectorResponse(findings=[pb.CheckFinding(text=error.message, good=False)])
        except Exception as error:
            # A fault of foreign code is what the operator looks for. The log has its place.
            self._services.logger.exception("check failed", connector=request.name, exc_info=error)
            text = f"the check itself failed ({type(error).__name__}); the log of the server has the place"
            return pb.CheckConnectorResponse(findings=[pb.CheckFinding(text=text, good=False)])
        findings = (pb.CheckFinding(text=finding.text, good=finding.good) for finding in found)
        return pb.CheckConnectorResponse(findings=findings)

    async def PauseConnector(self, request: pb.PauseConnectorRequest, context: Context) -> pb.PauseConnectorResponse:
        if len(request.reason) > LONGEST_REASON:
            raise InvalidInput([FieldViolation("reason", f"is longer than {LONGEST_REASON} characters")])
        standing = await self._standing(request.name)
        caller = current_call.get().caller
        pause = PauseRecord(by=caller, reason=request.reason.strip(), since=self._services.clock())
        await self._services.store.connectors.pause(standing.tenant, standing.name, pause)
        self._log("connector paused", standing, caller)
        return pb.PauseConnectorResponse(connector=connector_to(await self._standing(request.name)))

    async def ResumeConnector(self, request: pb.ResumeConnectorRequest, context: Context) -> pb.ResumeConnectorResponse:
        standing = await self._standing(request.name)
        if standing.member is not None and standing.member.entry.enabled is Enabled.PAUSED:
            raise PausedByConfiguration(name=request.name)
        changed = await self._services.store.connectors.let_go(standing.tenant, standing.name)
        if changed:
            self._log("connector resumed", standing, current_call.get().caller)
        return pb.ResumeConnectorResponse(connector=connector_to(await self._standing(request.name)), changed=changed)

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        if request.page_size < 0:
            raise InvalidInput([FieldViolation("page_size", "is negative")])
        size = min(request.page_size or PAGE, LARGEST_PAGE)
        tenant, direction = current_call.get().tenant, GIVEN.get(request.direction)
        letters, following = await self._dead.page(tenant, direction, request.page_token, size)
        shown = [letter for letter in letters if request.connector in ("", letter.connector)]
        return pb.ListDeadLettersResponse(
            dead_letters=[letter_to(letter) for letter in shown], next_page_token=following
        )

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: Context) -> pb.GetDeadLetterResponse:
        letter = await self._dead.get(current_call.get().tenant, request.id)
        return pb.GetDeadLetterResponse(dead_letter=letter_to(letter, content=letter.content))

    async def ReplayDeadLetter(
        self, request: pb.ReplayDeadLetterRequest, context: Context
    ) -> pb.ReplayDeadLetterResponse:
        await self._dead.replay(current_call.get().tenant, request.id)
        self._note("dead letter replayed", request.id)
        return pb.ReplayDeadLetterResponse()

    async def DiscardDeadLetter(
        self, request: pb.DiscardDeadLetterRequest, context: Context
    ) -> pb.DiscardDeadLetterResponse:
        await self._dead.discard(current_call.get().tenant, request.id)
        self._note("dead letter discarded", request.id)
        return pb.DiscardDeadLetterResponse()

    async def _standing(self, name: str) -> Standing:
        """The connector of the caller's tenant. Raises ConnectorNotFound."""
        for standing in await self._standings.of(current_call.get().tenant):
            if standing.name == name:
                return standing
        raise ConnectorNotFound(name=name)

    def _log(self, what: str, standing: Standing, actor: str) -> None:
        self._services.logger.warning(what, connector=standing.name, tenant=standing.tenant, actor=actor)

    def _note(self, what: str, letter_id: str) -> None:
        call = current_call.get()
        self._services.logger.warning(what, key=letter_id, tenant=call.tenant, actor=call.caller)


def connector_to(standing: Standing) -> pb.Connector:
    """The message of a connector, without any of its settings."""
    member, life = standing.member, standing.life
    message = pb.Connector(
        name=standing.name,
        state=STATES[standing.state],
        detail=standing.detail,
        waiting=standing.depth.waiting,
        last_problem=life.last_problem,
        paused_by=life.pause.by if life.pause is not None else "",
    )
    times = (
        (message.oldest_time, standing.depth.oldest),
        (message.last_success_time, life.last_good),
        (message.since_time, standing.since),
    )
    for slot, moment in times:
        if moment is not None:
            set_instant(slot, moment)
    if member is None:
        return message
    message.type = member.entry.type
    message.sources.extend(member.entry.sources)
    message.effects.extend(kind.value for kind in member.entry.effects)
    if (connector := member.connector) is not None:
        manifest = connector.manifest
        message.guarantee, message.description = manifest.guarantee.value, manifest.description
        message.cannot.extend(manifest.cannot)
        message.takes_webhooks = manifest.inbound and isinstance(connector, InboundConnector)
        message.polls = isinstance(connector, PollingConnector)
        message.can_check = isinstance(connector, CheckableConnector)
    return message


def letter_to(letter: DeadLetter, content: bytes = b"") -> pb.DeadLetter:
    message = pb.DeadLetter(
        id=letter.id,
        direction=DIRECTIONS[letter.direction],
        connector=letter.connector,
        request_id=letter.request_id,
        number=letter.number,
        reason=letter.reason,
        attempts=letter.attempts,
        kind=letter.kind,
        key=letter.key,
        sequence=letter.sequence,
        content=content,
    )
    set_instant(message.die_time, letter.died)
    return message
