"""The services that a part of a worker is given, made for one test."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry

from answerby.server.base.logs import make_logger
from answerby.server.base.metrics import Metrics
from answerby.server.base.services import Services, utc_now
from answerby.server.base.unreadable_report import report_unreadable
from answerby.store.store import Store


class Kit:
    """Services on a real store, and what they have counted and logged."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now, level: str = "debug") -> None:
        self.registry = CollectorRegistry()
        self.log = io.StringIO()
        self.services = Services(store, Metrics(self.registry), make_logger(level, self.log), clock)
        report_unreadable(self.services)

    def counts(self, metric: str) -> dict[tuple[str, ...], float]:
        """The values of a counter by its labels, in the order of their names."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == f"answerby_{metric}_total"
        }
