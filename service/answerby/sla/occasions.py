"""Occasions of a clock: whether an event starts, stops, resets, cancels or pauses it. Pure."""

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
    """The request's facts after the event, as far as clocks may read them."""

    def holds(self, condition: Condition) -> bool | None:
        """Whether the condition holds; None when it cannot be evaluated."""
        ...

    def values(self, field: str) -> tuple[str, ...]:
        """The values of the field, sorted; none when it is missing."""
        ...


class ClockEvent(NamedTuple):
    """The part of an event that clocks may read. `status` is the request's status after the event."""

    type: str
    time: datetime
    actor: ActorRole
    status: RequestStatus
    facts: Facts | None = None
    """None: no facts are known, and conditions on facts cannot be evaluated."""
    was: RequestStatus | None = None
    """The request's status before the event; None for its first event."""
    raised: datetime | None = None
    """When a ladder raised the request or gave it to another, if the event did that."""
    reopened: bool = False
    """Whether a message of the customer opened the finished request again."""
    ended: datetime | None = None
    """When the request got the status completed or closed that it has after the event; None: it has neither."""


def starts(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event may start the clock. A clock without `start` may start at any event.

    A condition that cannot be evaluated starts the clock: a deadline too many is the safe side.
    """
    return not definition.start or _fires(definition.start, event, unknown=True)


def start_has_ended(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether all starts of the clock are standing conditions, and none holds any more."""
    occasions = definition.start
    if not occasions or any(isinstance(o, str) or not o.standing for o in occasions):
        return False
    return not _fires(occasions, event, unknown=True)


def starts_again(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event starts a finished clock again. A standing condition does not, as it held before the event."""
    return _fires((o for o in definition.start if isinstance(o, str) or not o.standing), event, unknown=True)


def completes(event: ClockEvent) -> bool:
    """Whether the event completes the request."""
    return (
        event.status is RequestStatus.COMPLETED and event.was is not RequestStatus.COMPLETED and _is_completion(event)
    )


def _is_completion(event: ClockEvent) -> bool:
    return event.type == EventType.COMPLETED


def stops(definition: ClockDefinition, event: ClockEvent) -> bool:
    """Whether the event meets the clock. A reply of the system is an automatic acknowledgement and meets none."""
    if event.actor is ActorRole.SYSTEM and event.type == EventType.REPLIED:
        return False
    return _fires(definition.stop, event, unknown=False)


def resets(definition: ClockDefinition, event: ClockEvent) -> bool:
    return bool(definition.reset) and _fires(definition.reset, event, unknown=False)


def cancels(definition: ClockDefinition, event: ClockEvent) -> bool:
    return bool(definition.cancel) and _fires(definition.cancel, event, unknown=False)


def holds_still(definition: ClockDefinition, event: ClockEvent, *, held: bool) -> bool:
    """Whether a `pause` occasion holds the clock after the event; `held`: whether one did before."""
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
