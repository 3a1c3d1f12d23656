"""The type of event of a change of status."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.event import EventType

ENDED = frozenset({EventType.COMPLETED, EventType.CLOSED})
WORKED_ON = frozenset({EventType.ACCEPTED, EventType.UPDATED})


def status_type(statuses: Mapping[str, str], before: str, after: str) -> str:
    """The event type of a change between two statuses of theirs. `statuses`: their status -> our event type.

    Work after a hold resumes the request. An open status after an end opens it again.
    """
    was, now = statuses.get(before, EventType.UPDATED), statuses.get(after, EventType.UPDATED)
    if was == EventType.ON_HOLD and now in WORKED_ON:
        return EventType.RESUMED
    if was in ENDED and now in WORKED_ON:
        return EventType.REOPENED
    return now
