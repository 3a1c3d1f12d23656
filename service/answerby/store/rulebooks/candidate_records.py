"""Records of a candidate: a revision on trial that decides beside the active one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from answerby.domain.event import Value


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The events that a candidate decides too. An empty list means all."""

    tenants: list[str] = []
    categories: list[str] = []
    """The categories of requests under the active rules."""
    percent: float = 100.0
    """The share of the requests. The id of a request decides, so a request is always in or always out."""


class Candidate(msgspec.Struct, frozen=True):
    """The candidate on trial now. `token` is the token of one trial."""

    token: str
    revision: str
    started: datetime
    actor: str
    reason: str = ""
    segment: Segment = Segment()


class DifferenceKept(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event with a different outcome under the candidate."""

    tenant: str
    request_id: str
    sequence: int
    event_type: str
    decided: datetime
    active: str
    """The revision that decided."""
    changed: list[tuple[str, Value, Value]] = []
    told_more: list[str] = []
    told_less: list[str] = []


class Total(StrEnum):
    """The counts over all decisions that a candidate repeated."""

    COMPARED = "compared"
    DIFFERENT = "different"
    FAILED = "failed"
    """The candidate could not decide."""
    SKIPPED = "skipped"
    """The worker was too busy."""
    TOLD_MORE = "told_more"
    """The candidate would have notified somebody whom the active revision did not notify."""
    TOLD_LESS = "told_less"
    OTHER = "other"
    """Changes beyond the ones with a count of their own."""


class Change(NamedTuple):
    """A fact with a different outcome, with both values as text.

    The values are absent where they are not counted apart.
    """

    name: str
    before: str = ""
    after: str = ""


Counted = Total | Change


class Findings(msgspec.Struct, frozen=True):
    """The findings of all workers about a candidate so far."""

    totals: dict[Total, int] = {}
    changes: dict[Change, int] = {}
    """The number of decisions with each change."""
    differences: list[DifferenceKept] = []
    """The latest differences, newest first."""


class StartOutcome(StrEnum):
    OK = "ok"
    GONE = "gone"
    """The store does not keep the revision."""
    ACTIVE = "active"
    """The revision is the active one."""
