"""Test cases as data: what happens, when, and what is expected then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from answerby.domain.event import ActorRole, Value
from answerby.workbench.rule_tests.checks import Check

REQUEST = "rule-test"
"""The request of a case that names none."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a case, at `at` or `after` the one before it."""

    type: str = "request.received"
    request: str = REQUEST
    after: timedelta = timedelta()
    at: datetime | None = None
    actor: ActorRole = ActorRole.CUSTOMER
    facts: Mapping[str, Value] = field(default_factory=dict)
    expect: tuple[Check, ...] = ()
    """What holds right after it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is expected once so much time has passed since the last event, every timer in between fired."""

    label: str
    checks: tuple[Check, ...]
    after: timedelta = timedelta()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One story and what is expected of it."""

    name: str
    start: datetime
    """When the first event happens."""
    happenings: tuple[Happening, ...]
    checkpoints: tuple[Checkpoint, ...]
    windows: Mapping[str, int] = field(default_factory=dict)
    """Counts of requests outside the case, by window field; those of the case are counted by the runner."""
    schedules: tuple[str, ...] = ()
    """The schedules that come in the case; all others stay away."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of a matrix or an example, as written."""


@dataclass(frozen=True, slots=True)
class Located:
    """A case and where it stands."""

    case: Case
    file: str
    line: int
