"""A Redmine with one issue, and a connector to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from answerby_connectors.kit.base import Delivery
from answerby_connectors.redmine import RedmineConnector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.redmine import KEY, Redmine


@pytest.fixture
def redmine(http_server: Server) -> Redmine:
    made = Redmine()
    made.new()
    http_server.handler = made.handle
    return made


@pytest.fixture
async def connect(http_server: Server, redmine: Redmine) -> AsyncIterator[Callable[..., RedmineConnector]]:
    """Makes connectors; keyword arguments are further settings."""
    made: list[RedmineConnector] = []

    def make(**settings: Any) -> RedmineConnector:
        given = {"url": http_server.url, "key": KEY, "timeout": PATIENCE, "settle": 0.0}
        made.append(RedmineConnector("desk", {**given, **settings}))
        return made[-1]

    yield make
    for connector in made:
        await connector.close()


@pytest.fixture
def connector(connect: Callable[..., RedmineConnector]) -> RedmineConnector:
    return connect()


@pytest.fixture
def delivery_of(make_delivery: Callable[..., Delivery]) -> Callable[..., Delivery]:
    """A delivery to the issue."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        return make_delivery(effect_id, **{"request_id": "4711", **fields})

    return make
