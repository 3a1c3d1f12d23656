"""The connectors by type, and how one is built from configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connectors.base import Connector, InvalidSettings
from connectors.escalated import EscalatedConnector
from connectors.file import FileConnector
from connectors.webhook import WebhookConnector

CONNECTORS: Mapping[str, Callable[[str, Mapping[str, object]], Connector]] = MappingProxyType(
    {
        "escalated": EscalatedConnector,
        "file": FileConnector,
        "webhook": WebhookConnector,
    }
)


def build_connector(name: str, type: str, settings: Mapping[str, object]) -> Connector:  # noqa: A002
    """The connector `name` of this type. Raises InvalidSettings for an unknown type or wrong settings."""
    builder = CONNECTORS.get(type)
    if builder is None:
        raise InvalidSettings(f"connector {name!r}: no type {type!r}; the types are {', '.join(sorted(CONNECTORS))}")
    return builder(name, settings)
