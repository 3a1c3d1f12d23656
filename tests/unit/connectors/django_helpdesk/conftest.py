"""A django-helpdesk with one ticket, and connectors to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.django_helpdesk import DjangoHelpdeskConnector
from answerby_connectors.kit.base import Connector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.django_helpdesk import BOT, QUEUES, SECRET, TOKEN, DjangoHelpdesk


@pytest.fixture
def helpdesk(http_server: Server) -> DjangoHelpdesk:
    made = DjangoHelpdesk()
    made.new()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(
    http_server: Server, helpdesk: DjangoHelpdesk, closing: list[Connector]
) -> Callable[..., DjangoHelpdeskConnector]:
    """Makes connectors; keyword arguments are further settings."""

    def make(**settings: Any) -> DjangoHelpdeskConnector:
        account = {"token": TOKEN, "account": BOT, "queues": QUEUES, "webhook_secrets": [SECRET]}
        given = {"url": f"{http_server.url}/api", **account, "timeout": PATIENCE, "settle": 0.0}
        made = DjangoHelpdeskConnector("desk", {**given, **settings})
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., DjangoHelpdeskConnector]) -> DjangoHelpdeskConnector:
    return connect()
