"""A GLPI with one ticket, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from answerby_connectors.glpi import GlpiConnector
from answerby_connectors.kit.base import Connector
from tests.kit.http_server import Server
from tests.kit.patience import PATIENCE
from tests.kit.platforms.glpi import Glpi
from tests.kit.platforms.glpi_stage import GlpiStage


@pytest.fixture
def glpi(http_server: Server) -> Glpi:
    made = Glpi()
    http_server.handler = made.handle
    return made


@pytest.fixture
def connect(http_server: Server, glpi: Glpi, closing: list[Connector]) -> Callable[..., GlpiConnector]:
    """A connector with these settings beside the usual ones."""

    def make(**more: Any) -> GlpiConnector:
        settings = {"url": http_server.url, **GlpiStage.settings, "timeout": PATIENCE, "settle": 0.0, **more}
        made = GlpiConnector("desk", settings)
        closing.append(made)
        return made

    return make


@pytest.fixture
def connector(connect: Callable[..., GlpiConnector]) -> GlpiConnector:
    return connect()
