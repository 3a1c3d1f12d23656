"""An event: something that happened to a request, at a time, by an actor (CloudEvents attributes)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

Value = str | int | float | bool | list[str] | None
"""A fact on the wire and in the store. The vocabulary types it; instants and durations are ISO-8601 text."""


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""The bounds of the times of events; the end is excluded."""
INTERNAL_SOURCE = "answerby/"
"""Prefix of the sources of internal events. Events from outside must not have it."""


def is_within(source: str, path: str) -> bool:
    """Whether a source is the path, or lies below it. Whole segments count: `crm/desk2` does not lie below `crm/desk`.

    A slash at the end of the path changes nothing.
    """
    path = path.rstrip("/")
    return source == path or source.startswith(f"{path}/")


class ActorRole(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


class EventType(StrEnum):
    """The types with a meaning for answerby. Other `request.*` types are stored and decided, with a warning."""

    RECEIVED = "request.received"
    UPDATED = "request.updated"
    SUPPLEMENTED = "request.supplemented"
    ACCEPTED = "request.accepted"
    ASSIGNED = "request.assigned"
    REPLIED = "request.replied"
    CUSTOMER_REPLIED = "request.customer_replied"
    ON_HOLD = "request.on_hold"
    RESUMED = "request.resumed"
    BLOCKED = "request.blocked"
    UNBLOCKED = "request.unblocked"
    PROGRESS_REPORTED = "request.progress_reported"
    SOLUTION_PROPOSED = "request.solution_proposed"
    CHANGE_REQUESTED = "request.change_requested"
    CHANGE_APPROVED = "request.change_approved"
    CHANGE_REJECTED = "request.change_rejected"
    COMPLETED = "request.completed"
    FEEDBACK_GIVEN = "request.feedback_given"
    CONFIRMED = "request.confirmed"
    RATED = "request.rated"
    CLOSED = "request.closed"
    REOPENED = "request.reopened"
    MERGED = "request.merged"
    ACKNOWLEDGED = "request.acknowledged"
    ABSORBED = "request.absorbed"
    """Internal: another request was merged into this one."""
    MERGE_REFUSED = "request.merge_refused"
    """Internal: a merge is taken back, as it would close a circle."""
    TIMER_DUE = "timer.due"
    SCHEDULE_DUE = "schedule.due"
    """Internal: a schedule of the rule files is due, for one request or for all."""
    RULEBOOK_ACTIVATED = "rulebook.activated"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `source` + `id` identify it within a tenant; `data` holds given facts by vocabulary path."""

    tenant: str = "default"
    source: str
    id: str
    type: str
    time: datetime
    """When it happened. Aware, kept in UTC."""
    request_id: str
    actor: ActorRole = ActorRole.CUSTOMER
    actor_id: str = ""
    data: dict[str, Value] = {}
    historical: bool = False
    """A replayed past event: decided as of its own time; arms no timer, delivers no effect."""
    stated: datetime | None = None
    """The time that the event was told with, where that lay in the future. `time` is then when it was received."""


OVERRIDE_PREFIX = "override."
