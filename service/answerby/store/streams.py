"""Stream entries, in every grouping of fields that the client uses."""

from __future__ import annotations

from typing import Any


def entry_fields(entry: Any) -> tuple[str, dict[str, bytes]]:
    """The stream id and the fields of an entry."""
    stream_id, fields = entry
    pairs = fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)
    return stream_id.decode(), {name.decode(): value for name, value in pairs}
