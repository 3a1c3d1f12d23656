"""Incoming webhooks: POST /hook/<connector>, or with a secret behind it. The answer is 202 after events are durable."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from answerby.domain.errors import AnswerbyError, InvalidInput, StoreUnavailable
from answerby.domain.event import Event
from answerby.server.base.config import Limits
from answerby.server.base.services import Services
from answerby.server.base.validate import event_violations
from answerby.server.flow.arrivals import arrival
from answerby.server.flow.delivering.roster import Roster
from answerby_connectors.kit.base import InboundConnector, InvalidSignature
from answerby_connectors.kit.signing.signatures import PATH_SECRET


class Hook(NamedTuple):
    """Connector that receives webhooks, and the tenant of its events."""

    connector: InboundConnector
    tenant: str


class _TooLarge(AnswerbyError):
    """The body is larger than the limit of the server."""

    reason = "BODY_TOO_LARGE"


class Disabled(AnswerbyError):
    """The connector is disabled here, since its settings are not valid; its operator has to correct them."""

    reason = "CONNECTOR_DISABLED"


class HookApp:
    """The HTTP side of the intake."""

    def __init__(self, services: Services, hooks: Hooks, limits: Limits, body_bytes: int) -> None:
        self._store = services.store
        self._metrics = services.metrics
        self._logger = services.logger
        self._hooks = hooks
        self._limits = limits
        self._body_bytes = body_bytes

    def routes(self) -> list[Route]:
        paths = ("/hook/{name}", "/hook/{name}/{secret}")
        return [Route(path, self._receive, methods=["POST"]) for path in paths]

    async def _receive(self, request: Request) -> Response:
        name = request.path_params["name"]
        try:
            hook = self._hooks.get(name)
            if hook is None:
                return _refuse(404, "UNKNOWN_CONNECTOR", "no connector of this name takes webhooks")
            body = await self._body(request)
            events = self._events(name, hook, request, body)
            if events:
                await self._store.intake.enqueue(hook.tenant, events)
        except AnswerbyError as error:
            self._metrics.event("http", error.reason)
            self._logger.warning("webhook refused", connector=name, reason=error.reason)
            return _refuse(_status(error), error.reason, error.message)
        except ClientDisconnect:
            return _refuse(400, "DISCONNECTED", "the body did not arrive")
        self._metrics.event("http", "accepted")
        return JSONResponse({"accepted": len(events)}, status_code=202)

    async def _body(self, request: Request) -> bytes:
        """The original bytes of the body, which the signature covers. Raises _TooLarge."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._body_bytes:
                raise _TooLarge
        return bytes(body)

    def _events(self, name: str, hook: Hook, request: Request, body: bytes) -> list[Event]:
        headers = dict(request.headers)
        if secret := request.path_params.get("secret"):
            headers[PATH_SECRET] = secret
        events = hook.connector.receive(headers, body)
        violations = [
            v for i, event in enumerate(events) for v in event_violations(event, self._limits, f"events[{i}].")
        ]
        if violations:
            raise InvalidInput(violations)
        return [arrival(event, hook.tenant, name) for event in events]


class Hooks:
    """The connectors that take webhooks, as they are now."""

    def __init__(self, connectors: Roster) -> None:
        self._connectors = connectors

    def get(self, name: str) -> Hook | None:
        """The connector of this name; None for one that takes no webhooks, and for an unknown one.

        Raises Disabled for one that cannot work now, so that its platform sends the webhook again.
        """
        if name not in self._connectors:
            if self._connectors.waits(name):
                raise Disabled
            return None
        owned = self._connectors[name]
        if not (owned.connector.manifest.inbound and isinstance(owned.connector, InboundConnector)):
            return None
        return Hook(owned.connector, owned.tenant)


def _status(error: AnswerbyError) -> int:
    match error:
        case InvalidSignature():
            return 401
        case InvalidInput():
            return 400
        case _TooLarge():
            return 413
        case StoreUnavailable() | Disabled():
            return 503
        case _:
            return 500


def _refuse(status: int, reason: str, message: str) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    content: dict[str, Any] = {"reason": reason, "message": message if status < 500 else ""}
    return JSONResponse(content, status_code=status, headers=headers)
