"""The life cycle: applies an event to a request before the rules run (status, given facts, acknowledgement)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from answerby.domain.decision import Flag
from answerby.domain.event import INTERNAL_SOURCE, Event, EventType, Value
from answerby.domain.request import RequestState, RequestStatus
from answerby.engine.follower_ids import FOLLOWS, FOLLOWS_SOURCE

STATUS_AFTER = {
    EventType.ON_HOLD: RequestStatus.ON_HOLD,
    EventType.RESUMED: RequestStatus.OPEN,
    EventType.BLOCKED: RequestStatus.BLOCKED,
    EventType.UNBLOCKED: RequestStatus.OPEN,
    EventType.COMPLETED: RequestStatus.COMPLETED,
    EventType.CLOSED: RequestStatus.CLOSED,
    EventType.MERGED: RequestStatus.MERGED,
    EventType.REOPENED: RequestStatus.OPEN,
}
TERMINAL = frozenset({RequestStatus.CLOSED, RequestStatus.MERGED})
ENDED = frozenset({RequestStatus.COMPLETED, RequestStatus.CLOSED})
ENDS_WAITING = frozenset({EventType.CUSTOMER_REPLIED, EventType.SUPPLEMENTED})
"""Events by which the customer ends an on-hold status."""
STAFF_MESSAGES = frozenset(
    {
        EventType.REPLIED,
        EventType.PROGRESS_REPORTED,
        EventType.SOLUTION_PROPOSED,
        EventType.FEEDBACK_GIVEN,
        EventType.ACKNOWLEDGED,
    }
)
"""Events whose text is written by staff. It must not change the category of the request."""
INTERNAL = frozenset({EventType.TIMER_DUE, EventType.SCHEDULE_DUE, EventType.RULEBOOK_ACTIVATED})
NEVER_LATE = INTERNAL | {EventType.ABSORBED, EventType.MERGE_REFUSED}
"""Types whose time is when answerby looked or was told, not when something happened to the request."""
KNOWN_TYPES = frozenset(EventType)
TEXT_PREFIX = "text."
PASSING = ("timer.", "schedule.", "merged.", "absorbed.", "corrects.", "acknowledged.", "follows.")
"""Prefixes of facts that concern their event only and do not stay with the request."""
TEXT_LIMIT = 65_536
"""Characters of one text that are kept. Rules match no more."""
CLOCK_SKEW = timedelta(minutes=5)


def counted(event: Event, now: datetime) -> Event:
    """The event as it counts. One that is dated ahead counts when it is received, so that nothing is decided early.

    Events of answerby's own count at their own times, which workers never see before they come.
    """
    if event.time <= now or event.type in INTERNAL or event.source.startswith(INTERNAL_SOURCE):
        return event
    return msgspec.structs.replace(event, time=now, stated=event.stated or event.time)


def name_of(event: Event) -> str:
    """The identity of an event within its tenant: `source id`."""
    return f"{event.source} {event.id}"


def apply_event(state: RequestState | None, event: Event) -> RequestState:
    """The request after the event, before the rules. The first event of a request, of any type, creates it."""
    if state is None:
        followed = event.data if event.source.startswith(INTERNAL_SOURCE) else {}
        state = RequestState(
            tenant=event.tenant,
            request_id=event.request_id,
            source=str(followed.get(FOLLOWS_SOURCE, event.source)),
            follows=str(followed.get(FOLLOWS, "")),
            created=event.time,
            last_event=event.time,
        )
    status = next_status(state.status, event.type)
    reopened = event.type == EventType.REOPENED
    return msgspec.structs.replace(
        state,
        # A request that an internal event created takes its source from the first event from outside.
        source=event.source if state.source.startswith(INTERNAL_SOURCE) else state.source,
        status=status,
        ended=ended_at(state.status, state.ended, status, event.time),
        last_event=max(state.last_event, event.time),
        given=state.given if event.type in INTERNAL else merge(state.given, event),
        acknowledged=acknowledgement(state, event),
        acknowledged_by=event.actor_id if acknowledges(state, event) else state.acknowledged_by,
        reopen_count=state.reopen_count + reopened,
    )


def next_status(status: RequestStatus, event_type: str) -> RequestStatus:
    if status in TERMINAL and event_type != EventType.REOPENED:
        return RequestStatus.MERGED if event_type == EventType.MERGED else status
    if status == RequestStatus.ON_HOLD and event_type in ENDS_WAITING:
        return RequestStatus.OPEN
    return STATUS_AFTER.get(event_type, status)  # type: ignore[call-overload, no-any-return]


def ended_at(before: RequestStatus, ended: datetime | None, after: RequestStatus, at: datetime) -> datetime | None:
    """When the request got the status completed or closed that it has after an event; `ended` is that before it."""
    if after not in ENDED:
        return ended if after is RequestStatus.MERGED else None
    return ended if after is before else at


def acknowledgement(state: RequestState, event: Event) -> datetime | None:
    if event.type == EventType.REOPENED:
        return None
    return event.time if acknowledges(state, event) else state.acknowledged


def acknowledges(state: RequestState, event: Event) -> bool:
    return event.type == EventType.ACKNOWLEDGED and state.acknowledged is None


def merge(given: dict[str, Value], event: Event) -> dict[str, Value]:
    """The given facts after the event. Later facts replace earlier ones, null clears.

    Text by which a customer ends an on-hold status is appended to the earlier text.
    """
    merged = dict(given)
    for name, value in event.data.items():
        if name.startswith(PASSING):
            continue
        if name.startswith(TEXT_PREFIX):
            if event.type in STAFF_MESSAGES:
                continue
            if event.type in ENDS_WAITING and isinstance(value, str):
                merged[name] = append(given.get(name), value)
                continue
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def append(earlier: Value, addition: str) -> str:
    if not isinstance(earlier, str) or not earlier:
        return addition
    return f"{earlier}\n{addition}"[:TEXT_LIMIT]


def oddities(state: RequestState | None, event: Event) -> list[Flag]:
    """Flags for oddities of an event that is taken all the same."""
    flags = []
    if event.type not in KNOWN_TYPES:
        flags.append(Flag("UNKNOWN_EVENT_TYPE", f"{event.type!r} has no meaning here; only its facts were used"))
    if state is None and event.type != EventType.RECEIVED:
        flags.append(Flag("STARTED_WITHOUT_RECEIPT", f"the first event known of this request is {event.type}"))
    if event.type in NEVER_LATE:
        return flags
    if state is not None and event.time < state.created:
        flags.append(Flag("BEFORE_REQUEST", f"the event happened before the request's first event, {state.created}"))
    elif state is not None and event.time < state.last_event:
        flags.append(Flag("OUT_OF_ORDER", f"a later event, of {state.last_event}, was decided before this one"))
    if event.stated is not None and event.stated > event.time + CLOCK_SKEW:
        message = f"the event says that it happened at {event.stated}; it counts at {event.time}, when it was received"
        flags.append(Flag("IN_THE_FUTURE", message))
    return flags
