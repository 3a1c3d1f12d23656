"""Checks that the calendars in use know the holidays of this year, and of the next year in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.text.diagnostic_codes import Code
from answerby.sla.calendar import Calendar

NOTICE = timedelta(days=60)
"""Time before the end of the last known year from which a warning is given."""


def check_calendar_years(scope: NameScope, calendars: Mapping[str, Calendar], today: date) -> None:
    """Reports an unknown year of `today` (error), an unknown next year (warning), and a provisional year (note)."""
    for calendar in calendars.values():
        if calendar.years is not None and not scope.is_unused(NameKind.CALENDAR, calendar.id):
            _check(scope, calendar, calendar.years, today)


def _check(scope: NameScope, calendar: Calendar, years: frozenset[int], today: date) -> None:
    place = scope.place_of(NameKind.CALENDAR, calendar.id)
    known = years | calendar.provisional_years
    if today.year not in known:
        message = f"calendar {calendar.id} does not know {today.year}: no due time in that year can be computed"
        hint = f"add the holidays and make-up working days of {today.year}, and {today.year} to `years`"
        scope.report.add(Code.CALENDAR_WITHOUT_YEAR, place, message, hint)
        return
    if today.year not in years:
        message = f"calendar {calendar.id} knows {today.year} only provisionally; its due times are flagged"
        hint = f"once all holidays of {today.year} are published, move it from `provisional` to `years`"
        scope.report.add(Code.CALENDAR_PROVISIONAL, place, message, hint)
    if today.year + 1 not in known and date(today.year, 12, 31) - today < NOTICE:
        message = f"calendar {calendar.id} ends with {today.year}: due times in {today.year + 1} cannot be computed"
        hint = f"add the holidays of {today.year + 1}, to `provisional` as long as only a part is published"
        scope.report.add(Code.CALENDAR_ENDS, place, message, hint)
