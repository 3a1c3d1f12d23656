"""A Request Tracker with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.kit.base import Connector
from answerby_connectors.rt import RtConnector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.rt import BOT, TOKEN, Rt


@pytest.fixture
def rt(http_server: Server) -> Rt:
    made = Rt()
    made.new()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(http_server: Server, rt: Rt, closing: list[Connector]) -> Callable[..., RtConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> RtConnector:
        given = {"url": http_server.url, "account": BOT, "token": TOKEN, "timeout": PATIENCE, "settle": 0.0}
        made = RtConnector("desk", {**given, "fields": {"category": "cf_2"}, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., RtConnector]) -> RtConnector:
    return connect()
