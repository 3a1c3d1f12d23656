"""The services for every part of a worker: the store, the metrics, the log and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics
from answerby.store.store import Store


def utc_now() -> datetime:
    """The present time by the system clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a process. All parts of the process share one object."""

    store: Store
    metrics: Metrics
    logger: Logger
    clock: Callable[[], datetime] = utc_now
    """The present moment, in UTC. All storage and all decisions use this clock. A worker takes the store's."""
    skew: Callable[[], timedelta] = timedelta
    """How far the clock of this machine is ahead of the store's. Negative: behind."""
