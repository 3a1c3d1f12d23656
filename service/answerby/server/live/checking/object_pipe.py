"""How objects pass between a process and one that it has started from the same code."""

from __future__ import annotations

import copyreg
import pickle
from types import MappingProxyType
from typing import IO, Any

LENGTH_BYTES = 8


def send(stream: IO[bytes], message: object) -> None:
    """Raises OSError when the other end is gone."""
    payload = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(len(payload).to_bytes(LENGTH_BYTES, "big"))
    stream.write(payload)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Raises EOFError when the other end is gone."""
    head = stream.read(LENGTH_BYTES)
    size = int.from_bytes(head, "big")
    payload = stream.read(size)
    if len(head) < LENGTH_BYTES or len(payload) < size:
        raise EOFError
    return pickle.loads(payload)  # noqa: S301 - from our own process, never from the store or the wire


def pass_read_only_mappings() -> None:
    """Lets this process send mappings that nobody may change, of which a rulebook is full. Call it once, in a process
    of our own.
    """
    copyreg.pickle(MappingProxyType, lambda mapping: (read_only, (dict(mapping),)))


def read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """What such a mapping is made of again at the other end."""
    return MappingProxyType(mapping)
