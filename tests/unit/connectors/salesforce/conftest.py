"""A Salesforce org with one case, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.kit.base import Connector, Delivery
from answerby_connectors.salesforce import SalesforceConnector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.salesforce import CASE, CLIENT, SECRET, Salesforce


@pytest.fixture
def salesforce(http_server: Server) -> Salesforce:
    made = Salesforce()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(
    http_server: Server, salesforce: Salesforce, closing: list[Connector]
) -> Callable[..., SalesforceConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> SalesforceConnector:
        given = {"url": http_server.url, "client_id": CLIENT, "client_secret": SECRET}
        made = SalesforceConnector("desk", {**given, "timeout": PATIENCE, "settle": 0.0, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., SalesforceConnector]) -> SalesforceConnector:
    return connect()


@pytest.fixture
def to_case(make_delivery: Callable[..., Delivery]) -> Callable[..., Delivery]:
    """A delivery to the case."""

    def make(effect_id: str = "a1" * 16, **fields: Any) -> Delivery:
        return make_delivery(effect_id, **{"request_id": CASE, **fields})

    return make
