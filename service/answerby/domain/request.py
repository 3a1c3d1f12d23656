"""A request: what a customer asked for, as answerby knows it after its latest event."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from answerby.domain.alert import Alert
from answerby.domain.clock import ClockState, Timer
from answerby.domain.event import Value
from answerby.domain.ladder import Ladder


class RequestStatus(StrEnum):
    OPEN = "open"
    ON_HOLD = "on_hold"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    CLOSED = "closed"
    MERGED = "merged"


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """That a request ended in another one."""

    into: str
    """The id of the request that goes on."""
    time: datetime
    status_before: RequestStatus


class RequestState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the next decision needs to know of the past. `version` counts commits and guards them."""

    tenant: str
    request_id: str
    source: str
    """Where the first event came from; decisions are written back there."""
    version: int = 0
    number: str = ""
    """Our request number, such as 202310-CSR-001; allocated when the first decision is committed."""
    status: RequestStatus = RequestStatus.OPEN
    created: datetime
    last_event: datetime
    given: dict[str, Value] = {}
    derived: dict[str, Value] = {}
    clocks: dict[str, ClockState] = {}
    timers: dict[str, Timer] = {}
    acknowledged: datetime | None = None
    acknowledged_by: str = ""
    """Id of the actor, as the platform gave it."""
    ladders: dict[str, Ladder] = {}
    """The ladders that live clocks climb, as they were when the first of them began: edits do not disturb a climb."""
    reassigned: dict[str, str] = {}
    """Department and role that a ladder gave the request to; they win over routing."""
    reopen_count: int = 0
    priority_floor: str = ""
    """A ladder raised the priority to this value; rules may go above it, never below."""
    alerts: list[Alert] = []
    """Notifications and cases that are in force, so that each is sent when it begins and not at every event."""
    decisions: int = 0
    counts: dict[str, int] = {}
    """What was counted over each window when the request began: later requests do not make it another one's second."""
    merged: Merge | None = None
    absorbed: list[str] = []
    """Ids of the requests that were merged into this one, directly or through another."""
    awaited: list[str] = []
    """Events that were corrected before they came, as `source id`."""
