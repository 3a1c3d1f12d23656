"""A real HTTP server that misbehaves on demand, and a stateful stand-in for an escalated help desk on top of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from answerby.domain.effect import Effect, EffectKind
from answerby_connectors.kit.base import Connector, Delivery
from tests.kit.http_server import Answer, Fault, Server
from tests.kit.platforms.help_desk import HelpDesk


@pytest.fixture
async def http_server() -> AsyncIterator[Server]:
    running = Server()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def desk(http_server: Server) -> HelpDesk:
    """A help desk at `http_server.url + '/api'` whose token is secret-token."""
    made = HelpDesk()
    http_server.handler = made.handle
    return made


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


@pytest.fixture
def make_delivery() -> Callable[..., Delivery]:
    """A delivery of an update; keyword arguments replace fields of it, `kind` and `payload` those of its effect."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        payload = fields.pop("payload", {"category": "complaint", "priority": "P0", "department": "vip"})
        effect = Effect(kind=fields.pop("kind", EffectKind.UPDATE_REQUEST), key="update", payload=payload)
        values = {"tenant": "acme", "request_id": "ESC-A1B2C3", "number": "202601-CSR-001", "effect": effect}
        return Delivery(effect_id=effect_id, **{**values, **fields})

    return make


@pytest.fixture
def delivery_of(make_delivery: Callable[..., Delivery]) -> Callable[..., Delivery]:
    """A delivery to the ticket 4711."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        return make_delivery(effect_id, **{"request_id": "4711", **fields})

    return make


@pytest.fixture
async def closing() -> AsyncIterator[list[Connector]]:
    """Connectors that are closed at the end of the test."""
    connectors: list[Connector] = []
    yield connectors
    for connector in connectors:
        await connector.close()
