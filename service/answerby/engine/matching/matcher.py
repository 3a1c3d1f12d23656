"""What every matcher is: the complete set of rules of a stage whose conditions hold for a record."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from answerby.engine.facts.record import Record


class MatchSet(NamedTuple):
    """Indexes into the stage's rules, ascending and complete."""

    matched: tuple[int, ...]
    """Rules whose condition is true."""
    failed: tuple[int, ...]
    """Rules whose condition is an error: it depends on something that could not be evaluated."""


class Matcher(Protocol):
    """Pure as seen from outside, and safe to call from several threads at once."""

    name: str
    """`durable`, `reference` or `shadow`."""
    recalls: bool
    """Answers may be remembered instead of matching again; not where matchers are to be compared."""

    @property
    def fallback_reason(self) -> str:
        """Why the matcher that was asked for is not used, or no longer; empty while it is."""
        ...

    @property
    def faults(self) -> int:
        """How often durable-rules failed and the reference answered instead; 0 where it takes no part."""
        ...

    @property
    def last_fault(self) -> str:
        """What went wrong last; empty without a fault."""
        ...

    def match(self, stage: str, record: Record) -> MatchSet:
        """Raises KeyError for a stage that the rulebook does not have."""
        ...

    def close(self) -> None:
        """Frees what the matcher holds outside Python. Idempotent; no match may follow."""
        ...
