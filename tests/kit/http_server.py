"""A real HTTP server that misbehaves on demand: that of the conformance kit."""

from __future__ import annotations

from answerby_connectors.conformance.wire import Answer, Call, Fault, Late, Server

__all__ = ["Answer", "Call", "Fault", "Late", "Server"]
