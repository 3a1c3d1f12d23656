"""The connectors by type, from answerby and from other packages, and their construction from the configuration.

A package registers a connector as an entry point of the group `answerby.connectors`. The name of the entry point is the
type in the configuration. The object of the entry point takes the connector's name and settings and returns a
`Connector`.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from answerby_connectors.kit.base import Connector, InvalidSettings

GROUP = "answerby.connectors"
PARTS = ("manifest", "deliver", "close")
"""The parts of every connector."""
OF_CODE = (ImportError, SyntaxError, AttributeError)
"""Errors of an import whose text names parts of programs. The text of any other may hold a secret."""
_IS_A_CONNECTOR = "see answerby_connectors.kit.base.Connector for what a connector has"


def connector_types() -> Mapping[str, tuple[EntryPoint, ...]]:
    """The installed connectors by type. Several entries of a type conflict. No connector is imported."""
    types: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in entry_points(group=GROUP):
        types[entry.name] = (*types.get(entry.name, ()), entry)
    return types


def build_connector(name: str, type: str, settings: Mapping[str, object]) -> Connector:  # noqa: A002
    """The connector `name` of this type.

    Raises InvalidSettings, with the remedy. The reasons are: an unknown type, a type of two packages, a failed import,
    an object that is no connector, and wrong settings.
    """
    where = f"connector {name!r}"
    entry = _only_entry(where, type)
    builder = _load(where, entry)
    connector = _built(where, entry, builder, name, settings)
    missing = [part for part in PARTS if not hasattr(connector, part)]
    if missing:
        raise InvalidSettings(
            f"{where}: type {type!r} of {_origin(entry)} builds what has no {', '.join(missing)}; {_IS_A_CONNECTOR}"
        )
    return cast("Connector", connector)


def _built(
    where: str,
    entry: EntryPoint,
    builder: Callable[[str, Mapping[str, object]], object],
    name: str,
    settings: Mapping[str, object],
) -> object:
    try:
        return builder(name, settings)
    except InvalidSettings as error:
        if repr(name) in error.message:
            raise
        raise InvalidSettings(f"{where}: {error.message}") from error
    except Exception as error:
        # A fault of foreign code must not look like one of the server.
        broken = f"{where}: type {entry.name!r} of {_origin(entry)}"
        raise InvalidSettings(f"{broken} fails on these settings ({_fault(error, entry)}); tell its author") from error


def _only_entry(where: str, type: str) -> EntryPoint:  # noqa: A002
    known = connector_types()
    match known.get(type, ()):
        case ():
            raise InvalidSettings(
                f"{where}: no type {type!r}; the types are {', '.join(sorted(known))}. "
                f"A package that brings another must be installed for the Python that runs answerby"
            )
        case (entry,):
            return entry
        case entries:
            brought = " and ".join(sorted(_origin(entry) for entry in entries))
            raise InvalidSettings(f"{where}: type {type!r} is registered by {brought}; uninstall all but one of them")


def _load(where: str, entry: EntryPoint) -> Callable[[str, Mapping[str, object]], object]:
    broken = f"{where}: type {entry.name!r} of {_origin(entry)}"
    try:
        builder = entry.load()
    except Exception as error:
        # The import of foreign code may fail in any way.
        reason = f"{type(error).__name__}: {error}" if isinstance(error, OF_CODE) else _fault(error, entry)
        raise InvalidSettings(f"{broken} cannot be loaded ({reason}); install a version that works here") from error
    try:
        inspect.signature(builder).bind("", {})
    except (TypeError, ValueError) as error:
        raise InvalidSettings(f"{broken} does not take a name and settings ({error}); {_IS_A_CONNECTOR}") from error
    return cast("Callable[[str, Mapping[str, object]], object]", builder)


def _fault(error: Exception, entry: EntryPoint) -> str:
    """The type of a fault of foreign code and its place: the last in the package itself, if it passed through there.

    The text of the fault is not told, since it may hold a setting such as a token.
    """
    package = entry.module.partition(".")[0]
    frames = traceback.extract_tb(error.__traceback__)
    last = next(
        (frame for frame in reversed(frames) if package in Path(frame.filename).with_suffix("").parts), frames[-1]
    )
    return f"{type(error).__name__} at {Path(last.filename).name}, line {last.lineno}"


def _origin(entry: EntryPoint) -> str:
    """The package and the object: acme-desk 1.2 (acme_desk:Desk)."""
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
    return f"{package} ({entry.value})"
