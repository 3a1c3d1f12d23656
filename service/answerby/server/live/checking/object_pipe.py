"""Pipe for objects between a process and its child of the same code."""

from __future__ import annotations

import copyreg
import pickle
from types import MappingProxyType
from typing import IO, Any

LENGTH_BYTES = 8


def send(stream: IO[bytes], message: object) -> None:
    """Sends an object. Raises OSError when the other end is gone."""
    payload = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(len(payload).to_bytes(LENGTH_BYTES, "big"))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Receives an object. Raises EOFError when the other end is gone."""
    head = stream.read(LENGTH_BYTES)
    size = int.from_bytes(head, "big")
    payload = stream.read(size)
    if len(head) < LENGTH_BYTES or len(payload) < size:
        raise EOFError
    return pickle.loads(payload)  # noqa: S301 - from our own process, never from the store or the wire


def pass_read_only_mappings() -> None:
    """Lets this process send read-only mappings, which rulebooks contain. A process of our own calls this once."""
    copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))


def read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """Builds a read-only mapping at the other end."""
    return MappingProxyType(mapping)
