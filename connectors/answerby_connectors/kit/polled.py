"""Connectors that ask their platform for changes, by the time at which tickets were changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from pydantic import Field as Setting

from answerby.domain.event import Event
from answerby_connectors.kit.base import OutcomeKind, Page, PlatformRefuses, PlatformUnavailable
from answerby_connectors.kit.desk import Desk
from answerby_connectors.kit.history import events_of, utc
from answerby_connectors.kit.http.answer import CallFailed, Gone
from answerby_connectors.kit.platform import S, understood
from answerby_connectors.kit.settings import DeskSettings

OVERLAP = timedelta(minutes=2)
"""How far each sweep looks behind the last. Platforms list changes late, and their transactions end out of order."""
RESOLUTION = timedelta(seconds=1)
"""The step of the times of platforms. Two changes within one step look like one."""
SEEN = 1000
"""The limit of tickets in a cursor. A ticket that is forgotten is read again, and its events are known by their ids."""


class PolledSettings(DeskSettings):
    """The settings of a connector that polls."""

    poll_seconds: float = Setting(60.0, ge=1, le=86_400, description="Seconds between two questions for changes.")


AT_ONCE = 200
"""The limit of tickets of one page, where the platform lists all of them each time."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A changed ticket in a list."""

    reference: str
    updated: datetime


async def oldest_first(
    ask: Callable[[int], Awaitable[Sequence[Listed]]], since: datetime, skip: int
) -> tuple[Sequence[Listed], bool]:
    """What changed from `since` on at a platform that lists the latest first, as `changed` has to give it.

    `ask` gives a page by its number, from 0 on, and an empty one behind the last. What has no reference is left out.
    """
    found: dict[str, Listed] = {}
    number, page = 0, await ask(0)
    while page:
        found.update({one.reference: one for one in page if one.reference and one.updated >= since})
        if page[-1].updated < since:
            break
        number += 1
        page = await ask(number)
    ordered = sorted(found.values(), key=lambda one: (one.updated, one.reference))[skip:]
    return ordered[:AT_ONCE], len(ordered) > AT_ONCE


class Sweep(msgspec.Struct, frozen=True, omit_defaults=True):
    """The place of one walk over the changed tickets, the oldest change first. All times are the platform's.

    Changes from `start` on are events. The next question is for tickets changed from `at` on, without the first `skip`.
    `high` is the latest time seen. `seen` holds the times of tickets that are known to have been read whole, `read`
    those of tickets that this walk has read and may meet again.
    """

    start: datetime
    at: datetime
    high: datetime
    skip: int = 0
    seen: dict[str, datetime] = {}
    read: dict[str, datetime] = {}

    @classmethod
    def beginning(cls, since: datetime) -> Sweep:
        start = utc(since) - OVERLAP
        return cls(start, start, utc(since))

    def knows(self, listed: Listed) -> bool:
        return listed.updated in (self.seen.get(listed.reference), self.read.get(listed.reference))

    def after(self, page: Sequence[Listed], *, more: bool) -> Sweep:
        """The place behind this page."""
        times = [listed.updated for listed in page]
        high = max([self.high, *times])
        whole = {listed.reference: listed.updated for listed in page if listed.updated + RESOLUTION < high}
        if not (more and times):
            start = high - OVERLAP
            return Sweep(start, start, high, seen=_from(start, {**self.seen, **whole}))
        at = max(times)
        # A ticket that changes meanwhile leaves its place, and those behind it move up. So each step over many tickets
        # of one time is half a page, and what comes twice is known.
        skip = 0 if at > self.at else self.skip + max(1, len(page) // 2)
        read = {**self.read, **{listed.reference: listed.updated for listed in page}}
        return Sweep(self.start, at, high, skip, _from(self.start, {**self.seen, **whole}), _from(at, read))


def _from(start: datetime, times: dict[str, datetime]) -> dict[str, datetime]:
    """The latest of the times from `start` on."""
    kept = sorted((item for item in times.items() if item[1] >= start), key=lambda item: item[1])
    return dict(kept[-SEEN:])


class PolledDesk(Desk[S]):
    """A desk that also asks for changes. A connector writes `changed` as well."""

    settings: S

    @abstractmethod
    async def changed(self, since: datetime, skip: int) -> tuple[Sequence[Listed], bool]:
        """One page of the tickets changed from `since` (UTC) on, and whether there are more.

        The one that waits longest since its change comes first. `skip`: without so many of the first.
        """

    @property
    def poll_seconds(self) -> float:
        settings = self.settings
        assert isinstance(settings, PolledSettings)
        return settings.poll_seconds

    async def poll(self, cursor: str, since: datetime) -> Page:
        """The events of one page of changed tickets. Raises PlatformUnavailable, and of that PlatformRefuses."""
        sweep = msgspec.json.decode(cursor, type=Sweep) if cursor else Sweep.beginning(since)
        try:
            await self.identify()
            with understood("list changed tickets"):
                listed, more = await self.changed(sweep.at, sweep.skip)
            page = [Listed(one.reference, utc(one.updated)) for one in listed]
            events: list[Event] = []
            problems: list[str] = []
            for one in page:
                if not sweep.knows(one):
                    await self._read(one.reference, sweep.start, events, problems)
        except CallFailed as error:
            ended = PlatformRefuses if error.outcome.kind is OutcomeKind.HELD else PlatformUnavailable
            raise ended(error.outcome.detail, error.outcome.retry_after) from error
        after = sweep.after(page, more=more)
        return Page(tuple(events), msgspec.json.encode(after).decode(), more, tuple(problems))

    async def _read(self, reference: str, since: datetime, events: list[Event], problems: list[str]) -> None:
        """Adds the events of one ticket. One ticket that cannot be read does not stop the others."""
        try:
            events += await events_of(self, await self.fetch(reference), since)
        except Gone:
            return  # deleted meanwhile: there is nothing left to decide
        except CallFailed as error:
            if error.outcome.kind is not OutcomeKind.FAILED:
                raise
            problems.append(f"ticket {reference}: {error.outcome.detail}")
