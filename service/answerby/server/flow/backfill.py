"""Backfill: the changes of a platform since a moment, once more, after an outage or a lost webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

from answerby.domain.backoff import Backoff
from answerby.server.base.services import Services
from answerby.server.flow.delivering.tenant_connector import TenantConnector
from answerby.server.flow.polling import LOOK_BACK, new_events
from answerby_connectors.kit.base import Page, PlatformUnavailable, PollingConnector

AGAIN = Backoff(first=1.0, most=30.0, jitter=0.5)
"""Wait after a failure, unless the platform sets the wait."""
ATTEMPTS = 6
"""Most attempts at one page. The caller then hears of the failure, and may begin again."""


class Fetched(NamedTuple):
    """The progress of a backfill so far."""

    fetched: int
    added: int
    """Events that were neither decided before nor in the intake already."""
    done: bool


async def backfill(services: Services, name: str, owned: TenantConnector, since: datetime) -> AsyncIterator[Fetched]:
    """Stores the events since a moment in the intake; gives the progress after each page.

    The cursor of the polls does not change. Raises StoreUnavailable, and PlatformUnavailable when the platform gives a
    page not even after several attempts.
    """
    connector = owned.connector
    if not isinstance(connector, PollingConnector):
        raise TypeError(f"{name} asks for no changes")
    services.logger.info("backfill began", connector=name, tenant=owned.tenant)
    in_stream = await services.store.intake.contents(owned.tenant)
    cursor, fetched, added, more = "", 0, 0, True
    while more:
        page = await _page(owned, connector, cursor, since - LOOK_BACK)
        new = await new_events(services.store, page, owned.tenant, name)
        if new:
            # What is in the stream is stored once more all the same: it may have been given up since, and discarded.
            await services.store.intake.enqueue(owned.tenant, new)
        keys = {(event.source, event.id) for event in new}
        added += len(keys - in_stream)
        in_stream |= keys
        fetched += len(page.events)
        if page.more and page.cursor == cursor:
            raise PlatformUnavailable("a page says that more follows, and has the cursor before it")
        cursor, more = page.cursor, page.more
        yield Fetched(fetched, added, done=not more)
    services.logger.info("backfill ended", connector=name, tenant=owned.tenant, count=added)


async def _page(owned: TenantConnector, connector: PollingConnector, cursor: str, since: datetime) -> Page:
    """The next page, with patience. Raises PlatformUnavailable."""
    for attempt in range(1, ATTEMPTS):
        await asyncio.sleep(owned.budget.wait)
        try:
            return await connector.poll(cursor, since)
        except PlatformUnavailable as error:
            if error.retry_after is not None:
                owned.budget.hold(error.retry_after)
            else:
                await asyncio.sleep(AGAIN.wait(attempt))
    await asyncio.sleep(owned.budget.wait)
    return await connector.poll(cursor, since)
