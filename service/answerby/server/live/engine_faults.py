"""Reports of engine faults: a metric, and one log line for each fault."""

from __future__ import annotations

from answerby.engine.matching.matcher import Matcher
from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics


class EngineWatch:
    """Watches the faults of the matcher in use."""

    def __init__(self, metrics: Metrics, logger: Logger) -> None:
        self._metrics = metrics
        self._logger = logger
        self._matcher: Matcher | None = None
        self._seen = 0
        self._fallen_back = False

    def look(self, matcher: Matcher) -> None:
        """Reports new faults. Callers repeat the call; a call without new faults is cheap."""
        if matcher is not self._matcher:
            self._matcher, self._seen = matcher, 0
            # The log has the reason of an immediate fallback already.
            self._fallen_back = bool(matcher.fallback_reason)
            self._metrics.engine_fallback(active=self._fallen_back)
        faults = matcher.faults
        if faults > self._seen:
            self._metrics.engine_faults(faults - self._seen)
            self._seen = faults
            self._logger.error("engine fault", engine=matcher.name, count=faults, reason=matcher.last_fault)
        if matcher.fallback_reason and not self._fallen_back:
            self._fallen_back = True
            self._metrics.engine_fallback(active=True)
            self._logger.error("reference matcher in use", engine=matcher.name, reason=matcher.fallback_reason)
