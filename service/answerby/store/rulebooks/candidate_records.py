"""What the store keeps of a candidate: a revision that decides beside the active one, for trying."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

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


class Findings(msgspec.Struct, frozen=True):
    """What all workers have found of a candidate so far."""

    counts: dict[str, int] = {}
    """`compared`, `different`, `failed` (the candidate could not decide), `skipped` (the worker was too busy), and
    `fact|before|after` for each change of a fact, `clock|<name>|moved`, `told|more`, `told|less`."""
    differences: list[DifferenceKept] = []
    """The latest ones, newest first."""


class StartOutcome(StrEnum):
    OK = "ok"
    GONE = "gone"
    """The revision is not kept."""
    ACTIVE = "active"
    """It is the one that decides anyway."""
