"""Tells of decisions that the store has lost after callers heard of them."""

from __future__ import annotations

from answerby.server.base.logs import Logger
from answerby.server.base.metrics import Metrics
from answerby.store.store import Store

REMEDY = (
    "effects of these decisions may have gone out; send the events since then again, and see what the store's settings"
    " may lose; no number is given twice; if the store was emptied on purpose, delete the folder of the marks too"
)


class StoreWatch:
    """Looks at what one worker has found missing."""

    def __init__(self, store: Store, metrics: Metrics, logger: Logger) -> None:
        self._store = store
        self._metrics = metrics
        self._logger = logger
        self._told = 0

    def look(self) -> bool:
        """Tells of each loss once. False from the first loss on, until the worker ends."""
        losses = self._store.losses
        for loss in losses[self._told :]:
            # As many new decisions may have come meanwhile, so at least one is gone.
            count = max(1, loss.known - loss.found)
            self._metrics.store_lost(count)
            self._logger.error(
                "store has lost decisions",
                tenant=loss.tenant,
                count=count,
                known=loss.known,
                found=loss.found,
                remedy=REMEDY,
            )
        self._told = len(losses)
        return not losses
