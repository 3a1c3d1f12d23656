"""Between the domain's events and the messages that a server takes."""

from __future__ import annotations

from answerby.server.rpc.event_messages import ACTORS, event_to

__all__ = ["ACTORS", "event_to"]
