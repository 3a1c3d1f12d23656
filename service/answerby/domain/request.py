"""Requests: the state of a customer's request after its latest event."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from answerby.domain.alert import Alert
from answerby.domain.clock import ClockState, Timer
from answerby.domain.event import Value
from answerby.domain.ladder import Ladder, LadderAct


class RequestStatus(StrEnum):
    OPEN = "open"
    ON_HOLD = "on_hold"
    BLOCKED = "blocked"
    COMPLETED = "completed"
    CLOSED = "closed"
    MERGED = "merged"


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """The merge of a request into another one."""

    into: str
    """The id of the survivor."""
    time: datetime
    status_before: RequestStatus
    waiting: list[str] = []
    """The clocks of unanswered messages that the survivor took over, as its notice named them."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An acknowledgement of the alarms that one clock had raised."""

    cycle: int
    """The cycle of the clock."""
    time: datetime
    by: str = ""
    """Id of the actor, as the platform gave it."""
    due: datetime | None = None
    """The due time of the clock then. Alarms of a later one are not answered."""

    def counts_for(self, clock: ClockState) -> bool:
        """Whether the clock is still in the cycle and before or at the due time that were acknowledged."""
        moved = clock.due is not None and self.due is not None and clock.due > self.due
        return self.cycle == clock.cycle and not moved


class RequestState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of a request: all that the next decision needs of the past. `version` counts and guards commits."""

    tenant: str
    request_id: str
    source: str
    """The source of the first event. Updates go back there."""
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
    answers: dict[str, Answer] | None = None
    """The latest acknowledgement of each clock that had raised an alarm. None before the first acknowledgement, and in
    requests that older versions stored: they had one acknowledgement for all clocks."""
    ladders: dict[str, Ladder] = {}
    """The ladders of live clocks, as they were when the first of these clocks began. Rule changes leave them."""
    reassigned: dict[str, str] = {}
    """The department and role to which a ladder gave the request. They win over routing."""
    ended: datetime | None = None
    """When it was completed, or closed after that; None: it is neither."""
    handed_over: dict[str, list[str]] = {}
    """Department and role that had the request before a ladder gave it to others, by the id of the step's timer."""
    reopen_count: int = 0
    priority_floor: str = ""
    """The value to which a ladder raised the priority. Rules may go above it, never below. A person may."""
    ladder_acts: dict[str, LadderAct] = {}
    """The steps that raised the priority and gave the request to others, by field. Older versions did not keep them."""
    alerts: list[Alert] = []
    """Alerts in force, so that a notice is sent when its alert begins and not at every event."""
    decisions: int = 0
    counts: dict[str, int] = {}
    """Counts over windows at the request's beginning. Later requests of the same customer do not change them."""
    merged: Merge | None = None
    absorbed: list[str] = []
    """Ids of the requests that were merged into this one, directly or through another."""
    passed_on: list[str] = []
    """Messages of the customer that went on to another request or to people, as `source id`."""
    follows: str = ""
    """The id of the finished request to which the customer wrote the message that began this one."""
    followed_by: str = ""
    """The id of the request that began with a message to this one, when it was finished."""
    awaited: list[str] = []
    """Events that have a correction but have not come yet, as `source id`."""
