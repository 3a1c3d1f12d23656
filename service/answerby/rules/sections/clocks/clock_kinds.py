"""The kinds of clocks that service desks know, each a preset of what starts, pauses and stops it.

What counts as a message of the customer is decided by the actor's role, never by the channel. Sources: Zendesk, GLPI,
ServiceNow and Salesforce, as their public documentation describes these measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from answerby.domain.clock_definition import ClockDefinition, Occasion, Reopen, RetargetFrom, Trigger
from answerby.domain.event import ActorRole, EventType
from answerby.domain.request import RequestStatus

_AGENT, _CUSTOMER = (ActorRole.AGENT.value,), (ActorRole.CUSTOMER.value,)
_ANSWERS: tuple[Occasion, ...] = (EventType.REPLIED.value, EventType.SOLUTION_PROPOSED.value)
_DONE: tuple[Occasion, ...] = (EventType.COMPLETED.value, EventType.CLOSED.value)
_STAFF_MESSAGE = Trigger(
    (
        EventType.REPLIED.value,
        EventType.PROGRESS_REPORTED.value,
        EventType.SOLUTION_PROPOSED.value,
        EventType.FEEDBACK_GIVEN.value,
        EventType.CUSTOMER_REPLIED.value,
    ),
    _AGENT,
)
_CUSTOMER_MESSAGE = Trigger(
    (EventType.CUSTOMER_REPLIED.value, EventType.SUPPLEMENTED.value, EventType.REPLIED.value), _CUSTOMER
)
_WAITING = (RequestStatus.ON_HOLD.value,)
_NOT_OURS = (RequestStatus.BLOCKED.value, RequestStatus.ON_HOLD.value)

PLAIN = ClockDefinition("")
"""What a clock without a kind has where its file says nothing."""
_KINDS = (
    # From receipt to the first word of staff; it is answered once, so a reopened request has none.
    replace(PLAIN, kind="first_response", stop=_ANSWERS, reopen=Reopen.FROZEN),
    # From the oldest unanswered message of the customer.
    replace(
        PLAIN, kind="next_reply", start=(EventType.RECEIVED.value, _CUSTOMER_MESSAGE), stop=(_STAFF_MESSAGE, *_DONE)
    ),
    # Between one word of staff and the next.
    replace(PLAIN, kind="periodic_update", start=(_STAFF_MESSAGE,), stop=(_STAFF_MESSAGE, *_DONE)),
    replace(
        PLAIN,
        kind="pausable_update",
        start=(_STAFF_MESSAGE,),
        stop=(_STAFF_MESSAGE, *_DONE),
        pause_while=_WAITING,
    ),
    # As long as the customer waits for anybody.
    replace(PLAIN, kind="requester_wait", stop=_DONE, pause_while=_WAITING),
    # As long as our own people have the ball.
    replace(PLAIN, kind="agent_work", stop=_DONE, pause_while=_NOT_OURS),
    replace(PLAIN, kind="resolution", stop=_DONE, pause_while=_WAITING),
    # From the assignment to a department until it leaves the department or is solved (OLA).
    replace(
        PLAIN,
        kind="ownership",
        start=(EventType.ASSIGNED.value,),
        stop=_DONE,
        per="department",
        reopen=Reopen.NEW_CYCLE,
        retarget_from=RetargetFrom.NOW,
    ),
    # A step of the way that only its own occasions begin and end.
    replace(PLAIN, kind="stage", reopen=Reopen.NEW_CYCLE),
)
KINDS: Mapping[str, ClockDefinition] = MappingProxyType({preset.kind: preset for preset in _KINDS})
"""What a clock of a kind has where its file says nothing."""
