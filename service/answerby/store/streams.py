"""Stream entries, whichever way the client groups their fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from answerby.store import codec


def entry_fields(entry: Any) -> tuple[str, dict[str, bytes]]:
    """The stream id and the fields of an entry."""
    stream_id, fields = entry
    pairs = fields.items() if isinstance(fields, dict) else zip(fields[::2], fields[1::2], strict=True)
    return stream_id.decode(), {name.decode(): value for name, value in pairs}


def entry_time(stream_id: str) -> datetime:
    """When the server took an entry, by its own clock."""
    return codec.from_ms(int(stream_id.split("-", 1)[0]))
