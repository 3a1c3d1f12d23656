"""A Chatwoot with one conversation, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.chatwoot import ChatwootConnector
from answerby_connectors.kit.base import Connector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.chatwoot import ACCOUNT, SECRET, TOKEN, Chatwoot


@pytest.fixture
def chatwoot(http_server: Server) -> Chatwoot:
    made = Chatwoot()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(http_server: Server, chatwoot: Chatwoot, closing: list[Connector]) -> Callable[..., ChatwootConnector]:
    """A connector with these settings beside the usual ones."""

    def make(**more: Any) -> ChatwootConnector:
        settings = {"url": http_server.url, "account": ACCOUNT, "token": TOKEN, "webhook_secrets": [SECRET]}
        made = ChatwootConnector("desk", {**settings, "timeout": PATIENCE, "settle": 0.0, **more})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., ChatwootConnector]) -> ChatwootConnector:
    return connect()
