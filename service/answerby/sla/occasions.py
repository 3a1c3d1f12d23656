"""What an event means to a clock: which of its occasions it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from answerby.domain.event import ActorRole, EventType
from answerby.domain.request import RequestStatus

if TYPE_CHECKING:
    from answerby.domain.clock_definition import ClockDefinition, Occasion, Trigger
    from answerby.domain.condition import Condition


class Facts(Protocol):
    """What clocks may ask of the request's facts, as they are after the event."""

    def holds(self, condition: Condition) -> bool | None:
        """None when the condition cannot be evaluated."""
        ...

    def values(self, field: str) -> tuple[str, ...]:
        """The values of the field, sorted; none when it is missing."""
        ...


class ClockEvent(NamedTuple):
    """As much of an event as a clock can see. `status` is the request's status after it."""

    type: str
    time: datetime
    actor: ActorRole
    status: RequestStatus
    facts: Facts | None = None
    """None: nothing is known; conditions on facts cannot be evaluated."""


def starts(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event may start the clock; one without occasions to start may start at any.

    A condition that cannot be evaluated starts it: a deadline too many is the safe side.
    """
    return not definition.start or _fires(definition.start, event, unknown=True)


def start_has_ended(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the clock lives on standing conditions only, and none holds any more."""
    occasions = definition.start
    if not occasions or any(isinstance(o, str) or not o.standing for o in occasions):
        return False
    return not _fires(occasions, event, unknown=True)


def starts_again(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event starts a finished clock again. A standing condition does not: it held before."""
    return _fires((o for o in definition.start if isinstance(o, str) or not o.standing), event, unknown=True)


def stops(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event meets the clock. An automatic acknowledgement is no reply."""
    if event.actor is ActorRole.SYSTEM and event.type == EventType.REPLIED:
        return False
    return _fires(definition.stop, event, unknown=False)


def resets(definition: ClockDefinition, event: ClockEvent) -> bool:
    return bool(definition.reset) and _fires(definition.reset, event, unknown=False)


def cancels(definition: ClockDefinition, event: ClockEvent) -> bool:
    return bool(definition.cancel) and _fires(definition.cancel, event, unknown=False)


def holds_still(definition: ClockDefinition, event: ClockEvent, *, held: bool) -> bool:
    """Whether something other than the status pauses the clock after the event; `held`: it did before."""
    if not definition.pause:
        return False
    pausing = _fires(definition.pause, event, unknown=False)
    if not definition.resume:
        return pausing
    return (pausing or held) and not _fires(definition.resume, event, unknown=False)


def _fires(occasions: Iterable[Occasion], event: ClockEvent, *, unknown: bool) -> bool:
    for occasion in occasions:
        if isinstance(occasion, str):
            if occasion == event.type:
                return True
        elif _triggers(occasion, event, unknown=unknown):
            return True
    return False


def _triggers(trigger: Trigger, event: ClockEvent, *, unknown: bool) -> bool:
    if trigger.events and event.type not in trigger.events:
        return False
    if trigger.actors and event.actor not in trigger.actors:
        return False
    truth = event.facts.holds(trigger.when) if event.facts is not None else _without_facts(trigger)
    return unknown if truth is None else truth


def _without_facts(trigger: Trigger) -> bool | None:
    return True if getattr(trigger.when, "children", None) == () else None
