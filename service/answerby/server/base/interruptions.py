"""What had become of an event when the call that brought it was interrupted."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from enum import StrEnum


class Stored(StrEnum):
    """Whether an event was accepted. Whoever does not know sends it again: it is decided once."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The commit was under way, or a part of a batch was accepted."""


class Interruption:
    """The note of one call. Empty for a call that brought no event."""

    __slots__ = ("stored",)

    def __init__(self) -> None:
        self.stored: Stored | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """For the error that the caller gets."""
        return {} if self.stored is None else {"stored": self.stored}


current_interruption: ContextVar[Interruption | None] = ContextVar("current_interruption", default=None)


def note_interrupted(events: Iterable[Stored]) -> None:
    """Notes what had become of the events of the current call."""
    interruption = current_interruption.get()
    if interruption is not None:
        found = set(events)
        interruption.stored = found.pop() if len(found) == 1 else Stored.UNKNOWN
