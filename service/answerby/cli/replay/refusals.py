"""The rows of an export that a mapping cannot use, counted as the requests that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN = 20
"""Most rows that are kept to be shown."""


@dataclass
class Refusals:
    """Counts of rows and requests. A row whose request is unknown counts as a request of its own."""

    rows: int = 0
    request_ids: set[str] = field(default_factory=set)
    unknown: int = 0
    """Rows that do not say which request they are about."""
    first: list[tuple[int, str]] = field(default_factory=list)
    """The first rows: line and reason."""

    def add(self, line: int, reason: str, request_id: str = "") -> None:
        self.rows += 1
        if request_id:
            self.request_ids.add(request_id)
        else:
            self.unknown += 1
        if len(self.first) < SHOWN:
            self.first.append((line, reason))

    @property
    def requests(self) -> int:
        """The requests of which at least one row could not be used."""
        return len(self.request_ids) + self.unknown
