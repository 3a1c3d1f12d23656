"""Stream entries, in every grouping of fields that the client uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def entry_fields(entry: Any) -> tuple[str, dict[str, bytes]]:
    """The stream id and the fields of an entry."""
    stream_id, fields = entry
    pairs = fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)
    return stream_id.decode(), {name.decode(errors="replace"): value for name, value in pairs}


def text_of(fields: Mapping[str, bytes], name: str) -> str:
    """A field as text. Empty where it is missing; bytes that are no text are replaced."""
    return fields.get(name, b"").decode(errors="replace")


def number_of(fields: Mapping[str, bytes], name: str) -> int:
    """A field as a number. 0 for anything else."""
    value = fields.get(name, b"")
    return int(value) if value.isdigit() else 0
