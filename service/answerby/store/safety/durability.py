"""When a caller hears that an event was accepted."""

from __future__ import annotations

from enum import StrEnum


class Durability(StrEnum):
    """What must have happened before a caller hears that an event was accepted."""

    SERVER = "server"
    """The server has answered. What that is worth, its settings say."""
    ACKNOWLEDGED = "acknowledged"
    """The server has synced its append-only file (WAITAOF, Redis 7.2 or Valkey)."""
