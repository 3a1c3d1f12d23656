"""Quiet hours: the moment until which a reminder waits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from answerby.domain.errors import CalendarYearMissing, TargetOutOfReach
from answerby.sla.business_time import add_working_time
from answerby.sla.calendar import Calendar

if TYPE_CHECKING:
    from answerby.domain.ladder import QuietHours


def quiet_until(quiet: QuietHours | None, calendars: Mapping[str, Calendar], moment: datetime) -> datetime | None:
    """When the current quiet hours end; None outside of quiet hours, and where reminders do not wait for their end.

    A calendar without data for the year counts as one without holidays: a reminder on a holiday beats none. Quiet hours
    that never end hold nothing back.
    """
    if quiet is None or quiet.then == "send_now" or quiet.calendar not in calendars:
        return None
    calendar = calendars[quiet.calendar]
    try:
        return _next_opening(calendar, moment)
    except CalendarYearMissing:
        return quiet_until(quiet, {quiet.calendar: calendar.open_ended()}, moment)
    except TargetOutOfReach:
        return None


def _next_opening(calendar: Calendar, moment: datetime) -> datetime | None:
    return None if calendar.is_working(moment) else add_working_time(calendar, moment, 0, "next_open")
