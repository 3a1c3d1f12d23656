"""Connectors that can read a webhook apart from the check of its signature, for a dry run by an operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from answerby.domain.event import Event


@runtime_checkable
class HookReader(Protocol):
    """A connector that takes webhooks, and reads a body whose origin is known otherwise."""

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events of one webhook, without a check of its signature. Raises InvalidInput."""
        ...
