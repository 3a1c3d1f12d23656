"""The paths of the calls over HTTP, and the description of them."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from answerby.server.rest.gateway import Gateway

DESCRIPTION = "openapi.json"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def api_routes(gateway: Gateway) -> list[Route]:
    """The description, and every other path for the gateway, which knows the calls."""
    return [
        Route("/openapi.json", _describe, methods=["GET"]),
        Route("/{path:path}", gateway.call, methods=METHODS),
    ]


async def _describe(_request: Request) -> Response:
    return Response(openapi(), media_type="application/json")


def openapi() -> bytes:
    """The description by OpenAPI 3.1, as it was generated with the messages."""
    return (files("answerby.api") / DESCRIPTION).read_bytes()
