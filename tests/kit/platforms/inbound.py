"""What a connector brings in, by polls and by webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""Before anything that a platform of the tests has."""
SINCE = datetime(2026, 1, 5, tzinfo=UTC)
"""The morning on which the platforms of the tests begin."""


async def told(connector: Any) -> list[tuple[object, ...]]:
    """Type, actor and data of each event of one whole poll, which has no problem."""
    page = await connector.poll("", LONG_AGO)
    assert (page.problems, page.more) == ((), False)
    return [(event.type, event.actor, event.data) for event in page.events]


async def brought(connector: Any, hooks: Iterable[tuple[Mapping[str, str], bytes]]) -> list[Any]:
    """The events of webhooks, as far as they are any."""
    raw = [event for headers, body in hooks for event in connector.receive(headers, body)]
    return [event for each in raw if (event := await connector.complete(each)) is not None]


async def sweep(connector: Any, cursor: str = "", since: datetime = SINCE) -> tuple[list[Any], str]:
    """All events up to the end of what there is, and the cursor there."""
    events: list[Any] = []
    while True:
        page = await connector.poll(cursor, since)
        assert page.problems == ()
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events, cursor
