"""A Zammad with one ticket, and a connector to it."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import Connector
from answerby_connectors.zammad import ZammadConnector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.zammad import SECRET, TOKEN, Zammad


@pytest.fixture
def zammad(http_server: Server) -> Zammad:
    made = Zammad()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connector(http_server: Server, zammad: Zammad, closing: list[Connector]) -> ZammadConnector:
    settings = {"url": http_server.url, "token": TOKEN, "webhook_secrets": [SECRET], "timeout": PATIENCE, "settle": 0.0}
    made = ZammadConnector("desk", settings)
    closing.append(made)
    return made
