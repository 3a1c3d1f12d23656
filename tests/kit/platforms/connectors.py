"""What tests of connectors do alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answerby_connectors.kit.base import Connector, Delivery, OutcomeKind


async def until_done(connector: Connector, delivery_of: Callable[..., Delivery], limit: int = 10, **fields: Any) -> int:
    """Attempts as the delivery loop makes them; how many it took."""
    unknown = False
    for attempt in range(1, limit + 1):
        outcome = await connector.deliver(delivery_of(attempt=attempt, previous_unknown=unknown, **fields))
        if outcome.kind is OutcomeKind.DONE:
            return attempt
        assert outcome.kind in (OutcomeKind.RETRY, OutcomeKind.UNKNOWN), outcome
        unknown = unknown or outcome.kind is OutcomeKind.UNKNOWN
    raise AssertionError("never done")
