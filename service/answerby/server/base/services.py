"""What every part of a worker is given: the store, the metrics, the log and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics
from answerby.store.store import Store


def utc_now() -> datetime:
    """The time by the wall."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """Made once in a process and shared by all its parts."""

    store: Store
    metrics: Metrics
    logger: Logger
    clock: Callable[[], datetime] = utc_now
    """The present moment, in UTC. Everything that is stored or decided by the time takes it from here."""
