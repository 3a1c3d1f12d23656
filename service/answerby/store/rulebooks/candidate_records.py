"""What the store keeps of a candidate: a revision that decides beside the active one, for trying."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec

from answerby.domain.event import Value


class Segment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which events a candidate decides too; an empty list means all."""

    tenants: list[str] = []
    categories: list[str] = []
    """As the active rules classified the request."""
    percent: float = 100.0
    """Of the requests, told apart by their id, so that a request is always in or always out."""


class Candidate(msgspec.Struct, frozen=True):
    """The candidate that is tried now. `token` tells one trial from another."""

    token: str
    revision: str
    started: datetime
    actor: str
    reason: str = ""
    segment: Segment = Segment()


class DifferenceKept(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event on which the candidate came to something else."""

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
    """What is counted of all decisions that a candidate made again."""

    COMPARED = "compared"
    DIFFERENT = "different"
    FAILED = "failed"
    """The candidate could not decide."""
    SKIPPED = "skipped"
    """The worker was too busy."""
    TOLD_MORE = "told_more"
    """Somebody would have been told who was not."""
    TOLD_LESS = "told_less"
    OTHER = "other"
    """Changes beyond those that are counted apart."""


class Change(NamedTuple):
    """A fact that came out otherwise, with its values as text; without them where they are not counted apart."""

    name: str
    before: str = ""
    after: str = ""


Counted = Total | Change


class Findings(msgspec.Struct, frozen=True):
    """What all workers have found of a candidate so far."""

    totals: dict[Total, int] = {}
    changes: dict[Change, int] = {}
    """How many decisions had each."""
    differences: list[DifferenceKept] = []
    """The latest ones, newest first."""


class StartOutcome(StrEnum):
    OK = "ok"
    GONE = "gone"
    """The revision is not kept."""
    ACTIVE = "active"
    """It is the one that decides anyway."""
