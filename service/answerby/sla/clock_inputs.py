"""One clock's view of one event."""

# Stays interpreted: a NamedTuple of a module that others import is made by interpreted code all the same.
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from answerby.domain.clock import Target
from answerby.sla import occasions
from answerby.sla.calendar import Calendar
from answerby.sla.occasions import ClockEvent

if TYPE_CHECKING:
    from answerby.domain.clock_definition import ClockDefinition


class ClockTarget(NamedTuple):
    """What the sla stage said for one clock: its target, the rule that set it, the ladder it climbs."""

    target: Target
    rule_id: str
    ladder: str
    revision: str = ""
    """Of the rulebook that said so."""


class ClockInputs:
    """One clock's view of one event."""

    def __init__(
        self,
        definition: ClockDefinition,
        calendars: Mapping[str, Calendar],
        target: ClockTarget | None,
        event: ClockEvent,
        manual_due: datetime | None,
        value_gone: bool,
    ) -> None:
        self.definition = definition
        self.calendars = calendars
        self.target = target
        self.event = event
        self.manual_due = manual_due
        """The due time that a person set."""
        self.value_gone = value_gone
        """The clock runs for a value that its field no longer has."""

    @property
    def stops(self) -> bool:
        return self.value_gone or occasions.stops(self.definition, self.event)
