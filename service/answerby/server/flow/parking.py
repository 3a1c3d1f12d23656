"""Parking of events for a platform that limits the calls or is away.

A wait is no failure. A wait of any length must not bring an event closer to the dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from answerby.domain.backoff import Backoff
from answerby.store.records import IntakeEntry

PATIENCE = Backoff(first=0.2, most=30.0)
"""Pause of calls after a refusal without a wait from the platform."""


@dataclass(slots=True)
class _Platform:
    """Entries that wait for the platform of one connector, oldest first, and the time of the next call."""

    opens: float = 0.0
    failures: int = 0
    entries: list[IntakeEntry] = field(default_factory=list)


class Parking:
    """Entries that wait, by connector. Times are seconds of one monotonic clock, which callers pass in."""

    def __init__(self) -> None:
        self._platforms: dict[str, _Platform] = {}

    def __len__(self) -> int:
        return sum(len(platform.entries) for platform in self._platforms.values())

    @property
    def stream_ids(self) -> list[str]:
        return [entry.id for platform in self._platforms.values() for entry in platform.entries]

    def is_closed(self, connector: str, now: float) -> bool:
        """Whether calls of the platform have to wait."""
        platform = self._platforms.get(connector)
        return platform is not None and now < platform.opens

    def add(self, connector: str, entry: IntakeEntry) -> None:
        """Adds an entry, which waits until the platform takes calls again."""
        self._platforms.setdefault(connector, _Platform()).entries.append(entry)

    def close(self, connector: str, now: float, retry_after: float | None) -> None:
        """Stops the calls after a refusal, for the wait of the platform or for growing pauses of our own."""
        platform = self._platforms.setdefault(connector, _Platform())
        if now < platform.opens:
            return
        platform.failures += 1
        platform.opens = now + (retry_after if retry_after is not None else PATIENCE.wait(platform.failures))

    def hold(self, connector: str, now: float, seconds: float) -> None:
        """Stops the calls for a wait that the platform has told another part of the worker."""
        if seconds > 0:
            platform = self._platforms.setdefault(connector, _Platform())
            platform.opens = max(platform.opens, now + seconds)

    def note_answer(self, connector: str) -> None:
        """Notes a good answer of the platform, which ends the growth of the pauses."""
        platform = self._platforms.get(connector)
        if platform is not None:
            platform.failures = 0

    def take_due(self, now: float) -> list[IntakeEntry]:
        """Removes and returns the entries that may be tried again, oldest first."""
        due: list[IntakeEntry] = []
        for platform in self._platforms.values():
            if now >= platform.opens:
                due += platform.entries
                platform.entries = []
        return sorted(due, key=lambda entry: entry.place)
