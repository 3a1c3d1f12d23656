"""A connector with its tenant. No connector serves two tenants."""

from __future__ import annotations

from typing import NamedTuple

from answerby_connectors.kit.base import Connector


class TenantConnector(NamedTuple):
    """A connector, and the one tenant whose effects it delivers and whose events it brings."""

    tenant: str
    connector: Connector
