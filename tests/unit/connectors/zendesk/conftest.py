"""A Zendesk with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from answerby_connectors.kit.base import Delivery
from answerby_connectors.zendesk import ZendeskConnector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.zendesk import EMAIL, TOKEN, Zendesk


@pytest.fixture
def zendesk(http_server: Server) -> Zendesk:
    made = Zendesk()
    http_server.handler = made.handle
    return made


@pytest.fixture
async def connector(http_server: Server, zendesk: Zendesk) -> AsyncIterator[ZendeskConnector]:
    settings = {"url": http_server.url, "email": EMAIL, "token": TOKEN, "timeout": PATIENCE, "settle": 0.0}
    made = ZendeskConnector("desk", settings)
    yield made
    await made.close()


@pytest.fixture
def delivery_of(make_delivery: Callable[..., Delivery]) -> Callable[..., Delivery]:
    """A delivery to the ticket."""
    return lambda **fields: make_delivery("a1" * 16, **{"request_id": "4711", **fields})
