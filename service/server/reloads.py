"""One worker reloads, all follow: a counter in the store that every worker looks at twice a second."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.domain.errors import RulebookRejected, StoreUnavailable
from service.server.logs import Logger
from service.server.rulebooks import RulebookHolder
from service.store.keys import RELOADS

POLL_SECONDS = 0.5


class Reloads:
    """Reloads the rulebook of this worker, and of the others."""

    def __init__(self, url: str, rulebooks: RulebookHolder, logger: Logger) -> None:
        self._client = Redis.from_url(url, protocol=2, socket_timeout=5.0, max_connections=2)
        self._rulebooks = rulebooks
        self._logger = logger
        self._seen: int | None = None

    async def reload(self) -> bool:
        """Reads the folder here, then tells the others. True when the revision changed.

        Raises RulebookRejected, and StoreUnavailable when the others could not be told.
        """
        try:
            return await self._rulebooks.reload()
        finally:
            # The others hear of a bad folder too, so that all show the same state.
            await self._tell()

    async def run(self, stopping: asyncio.Event) -> None:
        """Follows the reloads of others until `stopping` is set."""
        while not stopping.is_set():
            try:
                await self._follow()
            except RulebookRejected:
                self._logger.warning("reload rejected", revision=self._rulebooks.status.revision)
            except RedisError as error:
                self._logger.warning("reloads cannot be followed", exc_info=error)
            try:
                await asyncio.wait_for(stopping.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def close(self) -> None:
        await self._client.aclose()

    async def _tell(self) -> None:
        try:
            count = int(await self._client.incr(RELOADS))
        except RedisError as error:
            raise StoreUnavailable("the other workers could not be told to reload; reload again") from error
        if self._seen == count - 1:
            self._seen = count

    async def _follow(self) -> None:
        count = int(await self._client.get(RELOADS) or 0)
        if self._seen is None:
            self._seen = count
        elif count != self._seen:
            self._seen = count
            await self._rulebooks.reload()
