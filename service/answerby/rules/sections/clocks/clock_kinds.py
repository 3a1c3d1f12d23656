"""The kinds of clocks that service desks use. A kind presets the events that start, pause and stop a clock.

The role of the actor tells messages of customers from messages of staff; the channel does not matter. The kinds follow
the public documentation of Zendesk, GLPI, ServiceNow and Salesforce.
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
"""The defaults of a clock without a kind."""
_KINDS = (
    # From receipt to the first answer of staff. A request has only one first answer, so reopening starts no new clock.
    replace(PLAIN, kind="first_response", stop=_ANSWERS, reopen=Reopen.FROZEN),
    # From the oldest unanswered message of the customer to the next message of staff.
    replace(
        PLAIN, kind="next_reply", start=(EventType.RECEIVED.value, _CUSTOMER_MESSAGE), stop=(_STAFF_MESSAGE, *_DONE)
    ),
    # Between two messages of staff.
    replace(PLAIN, kind="periodic_update", start=(_STAFF_MESSAGE,), stop=(_STAFF_MESSAGE, *_DONE)),
    replace(
        PLAIN,
        kind="pausable_update",
        start=(_STAFF_MESSAGE,),
        stop=(_STAFF_MESSAGE, *_DONE),
        pause_while=_WAITING,
    ),
    # The time that the customer waits. A wait for the customer does not count.
    replace(PLAIN, kind="requester_wait", stop=_DONE, pause_while=_WAITING),
    # The time that our own staff works. A wait for the customer or for a third party does not count.
    replace(PLAIN, kind="agent_work", stop=_DONE, pause_while=_NOT_OURS),
    replace(PLAIN, kind="resolution", stop=_DONE, pause_while=_WAITING),
    # From the assignment to a department until the request leaves the department or is solved (OLA).
    replace(
        PLAIN,
        kind="ownership",
        start=(EventType.ASSIGNED.value,),
        stop=_DONE,
        per="department",
        reopen=Reopen.NEW_CYCLE,
        retarget_from=RetargetFrom.NOW,
    ),
    # A step of the process. Only the occasions of its own file start and stop it.
    replace(PLAIN, kind="stage", reopen=Reopen.NEW_CYCLE),
)
KINDS: Mapping[str, ClockDefinition] = MappingProxyType({preset.kind: preset for preset in _KINDS})
"""The defaults of clocks, by kind."""
