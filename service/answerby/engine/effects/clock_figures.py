"""What messages say of a clock: its local time, and how late the request is. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo

from answerby.domain.clock import ClockState
from answerby.domain.errors import CalendarYearMissing
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.calendar import ALWAYS
from answerby.sla.clocks import late_seconds


def zone_of(compiled: CompiledRulebook, clock: ClockState | None = None) -> tzinfo:
    """The zone of the clock's calendar. Time around the clock, and no clock, have the rulebook's."""
    calendar = compiled.rulebook.calendars.get(clock.target.calendar) if clock is not None else None
    return compiled.numbering_zone if calendar is None or calendar.id == ALWAYS.id else calendar.zone


def late_by(rulebook: Rulebook, clock: ClockState, moment: datetime) -> int:
    """Seconds of the clock's working time by which the request is late, pauses left out; 0 before its due time."""
    name = clock.target.calendar
    calendar = rulebook.calendars.get(name, ALWAYS)
    try:
        return int(late_seconds({name: calendar}, clock, moment))
    except CalendarYearMissing:
        return int(late_seconds({name: calendar.open_ended()}, clock, moment))
