"""A Redmine with one issue, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.kit.base import Connector
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
def connect(http_server: Server, redmine: Redmine, closing: list[Connector]) -> Callable[..., RedmineConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> RedmineConnector:
        given = {"url": http_server.url, "key": KEY, "timeout": PATIENCE, "settle": 0.0}
        made = RedmineConnector("desk", {**given, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., RedmineConnector]) -> RedmineConnector:
    return connect()
