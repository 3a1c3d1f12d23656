"""Feeds: lists that only grow at their end, in the order of times, and are paged by number from the oldest entry on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class FeedPage:
    """`count` is the number of all entries of the feed."""

    entries: list[dict[str, Any]]
    count: int
    more: bool


async def since_in_feed(
    ask: Callable[[int], Awaitable[FeedPage]],
    size: int,
    made: Callable[[dict[str, Any]], datetime],
    since: datetime,
    skip: int,
) -> tuple[list[dict[str, Any]], bool]:
    """Entries from `since` on without the first `skip`, at most a page beyond them, and whether there are more.

    `ask` gives the page of a number, from 1 on, of `size` entries. The first page tells the length. The place of
    `since` is looked for from the end back, in steps that double, because it is nearly always near the end.
    """
    page = await ask(1)
    number, step = max(1, -(-page.count // size)), 1
    if number > 1:
        page = await ask(number)
    while number > 1 and (not page.entries or made(page.entries[0]) >= since):
        number, step = max(1, number - step), step * 2
        page = await ask(number)
    found = [one for one in page.entries if made(one) >= since]
    while page.more and len(found) <= skip:
        number += 1
        page = await ask(number)
        found += [one for one in page.entries if made(one) >= since]
    return found[skip:], page.more
