"""A HubSpot with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.hubspot import HubSpotConnector
from answerby_connectors.kit.base import Connector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.hubspot import HOOK, SECRET, TOKEN, HubSpot


@pytest.fixture
def hubspot(http_server: Server) -> HubSpot:
    made = HubSpot()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(http_server: Server, hubspot: HubSpot, closing: list[Connector]) -> Callable[..., HubSpotConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> HubSpotConnector:
        given = {"url": http_server.url, "token": TOKEN, "timeout": PATIENCE, "settle": 0.0}
        hooks = {"webhook_url": HOOK, "webhook_secrets": [SECRET]}
        made = HubSpotConnector("desk", {**given, **hooks, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., HubSpotConnector]) -> HubSpotConnector:
    return connect()
