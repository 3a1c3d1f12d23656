"""The connectors by type, ours and those that other packages bring, and how one is built from configuration.

A package registers a connector as an entry point of the group `answerby.connectors`: its name is the type in the
configuration, its object takes the connector's name and settings and is a `Connector`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from answerby_connectors.kit.base import Connector, InvalidSettings

GROUP = "answerby.connectors"


def connector_types() -> Mapping[str, EntryPoint]:
    """The installed connectors by type. Nothing of them is imported."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def build_connector(name: str, type: str, settings: Mapping[str, object]) -> Connector:  # noqa: A002
    """The connector `name` of this type. Raises InvalidSettings for an unknown type, one that cannot be imported, or
    wrong settings.
    """
    known = connector_types()
    entry = known.get(type)
    if entry is None:
        raise InvalidSettings(f"connector {name!r}: no type {type!r}; the types are {', '.join(sorted(known))}")
    try:
        builder = entry.load()
    except (ImportError, AttributeError) as error:
        raise InvalidSettings(f"connector {name!r}: type {type!r} ({entry.value}) cannot be loaded: {error}") from error
    connector: Connector = builder(name, settings)
    return connector
