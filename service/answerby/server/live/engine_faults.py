"""Tells of the faults of the rules engine: a metric, and one log line each."""

from __future__ import annotations

from answerby.engine.matching.matcher import Matcher
from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics


class EngineWatch:
    """Looks at the matcher in use."""

    def __init__(self, metrics: Metrics, logger: Logger) -> None:
        self._metrics = metrics
        self._logger = logger
        self._matcher: Matcher | None = None
        self._seen = 0
        self._fallen_back = False

    def look(self, matcher: Matcher) -> None:
        """Call it now and then; it costs nothing while there is nothing new."""
        if matcher is not self._matcher:
            self._matcher, self._seen = matcher, 0
            # Loading told why, when it fell back at once.
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
