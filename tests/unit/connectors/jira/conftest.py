"""A Jira with one issue, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.jira import JiraConnector
from answerby_connectors.kit.base import Connector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.jira import EMAIL, SECRET, TOKEN, Jira


@pytest.fixture
def jira(http_server: Server) -> Jira:
    made = Jira()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(http_server: Server, jira: Jira, closing: list[Connector]) -> Callable[..., JiraConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> JiraConnector:
        given = {"url": http_server.url, "email": EMAIL, "token": TOKEN, "projects": ["CSR"], "settle": 0.0}
        given |= {"timeout": PATIENCE, "webhook_secrets": [SECRET]}
        made = JiraConnector("desk", {**given, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., JiraConnector]) -> JiraConnector:
    return connect()
