"""A connector with its tenant and its budget. No connector serves two tenants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from answerby.server.flow.delivering.budget import CallBudget
from answerby_connectors.kit.base import Connector


@dataclass(frozen=True, slots=True)
class TenantConnector:
    """A connector, and the one tenant whose effects it delivers and whose events it brings."""

    tenant: str
    connector: Connector
    budget: CallBudget = field(default_factory=CallBudget)
    """The waits of the platform. Every part of the worker that calls the platform asks here first."""
    mark: str = ""
    """Stands for the settings of the connector. Another mark: other settings, such as a new token."""
    probe: timedelta = timedelta(minutes=5)
    """Interval of single polls while the platform refuses the connector."""
