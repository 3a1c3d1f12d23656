"""Settings whose value is in a file or in an environment variable, so that no secret stands in the configuration.

For a setting `token`, `token_file` names a file that holds the value, and `token_env` an environment variable. For a
setting that is a list, such as `secrets`, `secrets_file` is a list of files, one for each member.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LARGEST = 64 * 1024
"""Bytes of a file that is read. No secret is longer, and a wrong path may name anything."""
_FILE = "_file"


def with_secrets(values: Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    """The settings with the values that are elsewhere put in. `known`: the names of the connector's settings.

    A name such as `cert_file` that is known is a setting of its own. Raises ValueError for a place that holds nothing,
    and for a value in two places. No message holds a value.
    """
    found = dict(values)
    for key in [key for key in values if key not in known]:
        for ending, read in _PLACES.items():
            setting = key.removesuffix(ending)
            if key.endswith(ending) and setting in known:
                if setting in found:
                    raise ValueError(f"{key}: {setting} is set in two places; leave one of them out")
                found[setting] = _read(key, found.pop(key), read)
    return found


def secret_files(values: Mapping[str, object]) -> Iterator[Path]:
    """The files that settings may take values from."""
    for key, value in values.items():
        if key.endswith(_FILE):
            yield from (Path(part) for part in _members(value) if isinstance(part, str))


def _members(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _read(key: str, place: object, read: Callable[[str], str]) -> object:
    texts = []
    for part in _members(place):
        if not isinstance(part, str) or not part:
            raise ValueError(f"{key}: must be a name, or a list of names")
        try:
            texts.append(read(part))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
    return texts if isinstance(place, list | tuple) else texts[0]


def _from_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            text = file.read(LARGEST + 1).decode().strip()
    except OSError as error:
        raise ValueError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is no UTF-8 text") from error
    if not text:
        raise ValueError(f"{name} is empty")
    if len(text) > LARGEST:
        raise ValueError(f"{name} is too long for a secret")
    return text


def _from_environment(name: str) -> str:
    text = os.environ.get(name, "")
    if not text:
        raise ValueError(f"the environment variable {name} is not set")
    return text


_PLACES: Mapping[str, Callable[[str], str]] = {_FILE: _from_file, "_env": _from_environment}
