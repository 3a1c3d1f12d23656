"""Test cases as data: the events, their times, and the expectations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from answerby.domain.event import ActorRole, Value
from answerby.rules.text.diagnostics import Diagnostic
from answerby.workbench.rule_tests.checks.difference import Check

SOURCE = "rule-test"
"""The source of an event that names none."""
REQUEST = "rule-test"
"""The request of a case that names none."""


def default_id(number: int) -> str:
    """The id of an event that names none; `number` is its place in the case, from 1."""
    return f"e{number}"


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One event of a case: at the instant `at`, or `after` the event before it."""

    type: str = "request.received"
    request: str = REQUEST
    after: timedelta = timedelta()
    at: datetime | None = None
    happened: datetime | None = None
    """The time of the event, where it is told later (or earlier) than it happened; None: it is told when it happens."""
    id: str = ""
    """The id that a correction names; empty: `e1` for the first event of the case, `e2` for the second."""
    source: str = SOURCE
    actor: ActorRole = ActorRole.CUSTOMER
    actor_id: str = ""
    facts: Mapping[str, Value] = field(default_factory=dict)
    expect: tuple[Check, ...] = ()
    """The expectations right after the event."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Expectations at the instant `at`, or `after` the last event. All timers due before it have fired by then."""

    label: str
    checks: tuple[Check, ...]
    after: timedelta = timedelta()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """The events of one case, and the expectations after them."""

    name: str
    start: datetime
    """The time of the first event."""
    events: tuple[CaseEvent, ...]
    checkpoints: tuple[Checkpoint, ...]
    windows: Mapping[str, int] = field(default_factory=dict)
    """Counts of requests outside the case, by window field. The case run counts the requests of the case."""
    schedules: tuple[str, ...] = ()
    """The schedules that run in the case. All others are off."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values of a matrix or an example, as written."""


@dataclass(frozen=True, slots=True)
class LocatedCase:
    """A case with its file and line."""

    case: Case
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class BrokenCase:
    """A case with a mistake, or a file that could not be read. It does not run."""

    name: str
    """Empty for a whole file, and for a case without a name."""
    file: str
    line: int
    mistakes: tuple[Diagnostic, ...]
