"""The keeper of the embedded store: starts it, also again after a kill, and stops its writes when its data is gone."""

from __future__ import annotations

import time

from answerby.server.base.logs import Logger
from answerby.store.embedded import TELL_SECONDS, EmbeddedValkey, Loading

REMEDY = "put the folder back as it was, or stop the service and restore a backup; nothing is accepted until then"


class StoreKeeper:
    """Looks after one embedded store, from `start` to `stop`."""

    def __init__(self, valkey: EmbeddedValkey, logger: Logger) -> None:
        self._valkey = valkey
        self._logger = logger
        self._restarted = False
        """Whether the store was started again and its data is not yet known to be loaded."""
        self._told = 0.0
        self._problem = ""

    def start(self) -> str:
        """Starts the store; returns its URL. Raises StoreUnavailable."""
        self._valkey.start(on_progress=self._loads)
        return self._valkey.url

    def stop(self) -> None:
        self._valkey.stop()

    def look(self) -> None:
        """Does what is needed now, and waits for nothing. Raises StoreUnavailable when the store cannot run."""
        problem = self._valkey.data_problem()
        # A store that starts again in an empty folder would have forgotten everything. So it does not.
        self._valkey.refuse_writes(refuse=bool(problem))
        self._tell(problem)
        if problem:
            return
        if not self._valkey.alive():
            self._logger.error("embedded store ended, restarted")
            self._valkey.restart()
            self._restarted = True
        elif self._restarted:
            progress = self._valkey.loading()
            if progress is None:
                self._restarted = False
                self._logger.info("embedded store is back")
            elif time.monotonic() - self._told > TELL_SECONDS:
                self._loads(progress)

    def _loads(self, progress: Loading) -> None:
        self._told = time.monotonic()
        self._logger.info("embedded store loads its data", loaded_bytes=progress.loaded, total_bytes=progress.total)

    def _tell(self, problem: str) -> None:
        if problem and (problem != self._problem or time.monotonic() - self._told > TELL_SECONDS):
            self._told = time.monotonic()
            self._logger.error("data folder is gone", problem=problem, remedy=REMEDY)
        if self._problem and not problem:
            self._logger.warning("data folder is back")
        self._problem = problem
