"""A Freshdesk with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from answerby_connectors.freshdesk import FreshdeskConnector
from answerby_connectors.kit.base import Delivery
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.freshdesk import KEY, Freshdesk


@pytest.fixture
def freshdesk(http_server: Server) -> Freshdesk:
    made = Freshdesk()
    made.new()
    http_server.handler = made.handle
    return made


@pytest.fixture
async def connect(http_server: Server, freshdesk: Freshdesk) -> AsyncIterator[Callable[..., FreshdeskConnector]]:
    """Makes connectors; keyword arguments are further settings."""
    made: list[FreshdeskConnector] = []

    def make(**settings: Any) -> FreshdeskConnector:
        given = {"url": http_server.url, "key": KEY, "timeout": PATIENCE, "settle": 0.0}
        made.append(FreshdeskConnector("desk", {**given, **settings}))
        return made[-1]

    yield make
    for connector in made:
        await connector.close()


@pytest.fixture
def connector(connect: Callable[..., FreshdeskConnector]) -> FreshdeskConnector:
    return connect()


@pytest.fixture
def delivery_of(make_delivery: Callable[..., Delivery]) -> Callable[..., Delivery]:
    """A delivery to the ticket."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        return make_delivery(effect_id, **{"request_id": "4711", **fields})

    return make
