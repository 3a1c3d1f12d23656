"""Where events wait for a platform that cannot be asked now: it limits us, or it is away.

Waiting is not failing: it must not bring an event closer to the dead letters, however long it takes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from answerby.domain.backoff import Backoff
from answerby.store.records import IntakeEntry

PATIENCE = Backoff(first=0.2, most=30.0)
"""How long a platform is not asked that refused without saying for how long."""


@dataclass(slots=True)
class _Platform:
    """What waits for one connector's platform, oldest first, and from when on it may be asked again."""

    opens: float = 0.0
    failures: int = 0
    entries: list[IntakeEntry] = field(default_factory=list)


class Parking:
    """Entries that wait, by connector. Times are seconds of one monotonic clock, passed in."""

    def __init__(self) -> None:
        self._platforms: dict[str, _Platform] = {}

    def __len__(self) -> int:
        return sum(len(platform.entries) for platform in self._platforms.values())

    @property
    def stream_ids(self) -> list[str]:
        return [entry.id for platform in self._platforms.values() for entry in platform.entries]

    def is_closed(self, connector: str, now: float) -> bool:
        """Whether the platform asked not to be asked yet."""
        platform = self._platforms.get(connector)
        return platform is not None and now < platform.opens

    def add(self, connector: str, entry: IntakeEntry) -> None:
        """The entry waits until the platform may be asked."""
        self._platforms.setdefault(connector, _Platform()).entries.append(entry)

    def close(self, connector: str, now: float, retry_after: float | None) -> None:
        """The platform refused: it is not asked for as long as it said or, where it did not, ever longer."""
        platform = self._platforms.setdefault(connector, _Platform())
        if now < platform.opens:
            return
        platform.failures += 1
        platform.opens = now + (retry_after if retry_after is not None else PATIENCE.wait(platform.failures))

    def note_answer(self, connector: str) -> None:
        """The platform gave what was asked."""
        platform = self._platforms.get(connector)
        if platform is not None:
            platform.failures = 0

    def take_due(self, now: float) -> list[IntakeEntry]:
        """What may be tried again, taken out, oldest first."""
        due: list[IntakeEntry] = []
        for platform in self._platforms.values():
            if now >= platform.opens:
                due += platform.entries
                platform.entries = []
        return sorted(due, key=lambda entry: entry.place)
