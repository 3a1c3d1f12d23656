"""A Freshdesk with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.freshdesk import FreshdeskConnector
from answerby_connectors.kit.base import Connector
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
def connect(http_server: Server, freshdesk: Freshdesk, closing: list[Connector]) -> Callable[..., FreshdeskConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> FreshdeskConnector:
        given = {"url": http_server.url, "key": KEY, "timeout": PATIENCE, "settle": 0.0}
        made = FreshdeskConnector("desk", {**given, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., FreshdeskConnector]) -> FreshdeskConnector:
    return connect()
