"""A Zendesk with one ticket, and a connector to it."""

from __future__ import annotations

import pytest

from answerby_connectors.kit.base import Connector
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
def connector(http_server: Server, zendesk: Zendesk, closing: list[Connector]) -> ZendeskConnector:
    settings = {"url": http_server.url, "email": EMAIL, "token": TOKEN, "timeout": PATIENCE, "settle": 0.0}
    made = ZendeskConnector("desk", settings)
    closing.append(made)
    return made
