"""The port of matchers: they find all rules of a stage whose conditions hold for a record."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from answerby.engine.facts.record import Record


class MatchSet(NamedTuple):
    """Indexes into the stage's rules, ascending and complete."""

    matched: tuple[int, ...]
    """Rules whose condition is true."""
    failed: tuple[int, ...]
    """Rules whose condition is an error: a part of it could not be evaluated."""


class Matcher(Protocol):
    """Pure as seen from outside, and safe to call from several threads at once."""

    name: str
    """`durable`, `reference` or `shadow`."""
    recalls: bool
    """Whether answers may be remembered. Not where matchers are compared, as each match counts."""

    @property
    def fallback_reason(self) -> str:
        """Why the configured matcher is not used, or no longer; empty while it is."""
        ...

    @property
    def faults(self) -> int:
        """How often durable-rules failed and the reference answered instead; 0 without durable-rules."""
        ...

    @property
    def last_fault(self) -> str:
        """The latest fault; empty without one."""
        ...

    def match(self, stage: str, record: Record) -> MatchSet:
        """The rules of the stage that match or fail. Raises KeyError for a stage that the rulebook does not have."""
        ...

    def close(self) -> None:
        """Frees memory outside of Python. Idempotent; no match may follow."""
        ...
