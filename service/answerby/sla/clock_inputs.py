"""Inputs of a clock: its target, and all else on which its state after an event depends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from answerby.domain.clock import Target
from answerby.sla import occasions
from answerby.sla.calendar import Calendar
from answerby.sla.occasions import ClockEvent

if TYPE_CHECKING:
    from answerby.domain.clock_definition import ClockDefinition


class ClockTarget(NamedTuple):
    """Target of one clock as the sla stage gave it, with the rule that set it and the clock's ladder."""

    target: Target
    rule_id: str
    ladder: str
    revision: str = ""
    """The rulebook that gave the target."""


class MessageStart(NamedTuple):
    """The start of a clock by an unanswered message that a merged request brings, with its pauses until the merge."""

    started: datetime
    pauses: Sequence[tuple[datetime, datetime]] = ()


class SafeSides:
    """The targets to take for clocks whose calendar cannot hold their target, and the clocks that took one."""

    __slots__ = ("taken", "targets")

    def __init__(self, targets: Mapping[str, Target] = MappingProxyType({})) -> None:
        self.targets = targets
        """The safe side of the sla stage, by the id of the clock's definition."""
        self.taken: dict[str, OutOfReach] = {}
        """By the clock's name; filled as clocks are advanced."""


class OutOfReach(NamedTuple):
    """A target that its calendar cannot hold, and the target that counts instead."""

    target: Target
    instead: Target


class ClockInputs:
    """Inputs of one clock at one event, besides its state before."""

    def __init__(
        self,
        definition: ClockDefinition,
        calendars: Mapping[str, Calendar],
        target: ClockTarget | None,
        event: ClockEvent,
        manual_due: datetime | None,
        value_gone: bool,
        message: MessageStart | None = None,
        safe_sides: SafeSides | None = None,
    ) -> None:
        self.definition = definition
        self.calendars = calendars
        self.target = target
        self.event = event
        self.manual_due = manual_due
        """The due time that a person set; None: the target gives the due time."""
        self.value_gone = value_gone
        """The field no longer has the value for which the clock runs."""
        self.message = message
        """The unanswered message that the event brings from a merged request."""
        self.safe_sides = safe_sides if safe_sides is not None else SafeSides()

    @property
    def stops(self) -> bool:
        """Whether the event meets the clock, or nothing is left to measure."""
        return self.value_gone or occasions.stops(self.definition, self.event)
