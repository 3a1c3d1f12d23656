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
    """Reports an unknown year of `today` (error), an unknown next year (warning), and a provisional year (note).

    A calendar with dated days off that does not say for which years these are all is an error.
    """
    for calendar in calendars.values():
        if calendar.id in scope.calendars_without_years:
            _report_without_years(scope, calendar.id)
        elif calendar.years is not None and not scope.is_unused(NameKind.CALENDAR, calendar.id):
            _check(scope, calendar, calendar.years, today)


def _report_without_years(scope: NameScope, name: str) -> None:
    place, years = scope.calendars_without_years[name]
    listed = ", ".join(str(year) for year in sorted(years))
    message = f"calendar {name} has days off of {listed} and does not say for which years they are all"
    hint = f"add `years: [{listed}]`; days off of every year belong under `annual_holidays`, single closed days under "
    scope.report.add(Code.DAYS_WITHOUT_YEARS, place, message, f"{hint}`overrides`")


def _check(scope: NameScope, calendar: Calendar, years: frozenset[int], today: date) -> None:
    place = scope.place_of(NameKind.CALENDAR, calendar.id)
    known = years | calendar.provisional_years
    if today.year not in known:
        message = f"calendar {calendar.id} does not know {today.year}: due times in that year count no days off"
        hint = f"add the holidays and make-up working days of {today.year}, and {today.year} to `years`"
        scope.report.add(Code.CALENDAR_WITHOUT_YEAR, place, message, hint)
        return
    if today.year not in years:
        message = f"calendar {calendar.id} knows {today.year} only provisionally; its due times are flagged"
        hint = f"once all holidays of {today.year} are published, move it from `provisional` to `years`"
        scope.report.add(Code.CALENDAR_PROVISIONAL, place, message, hint)
    if today.year + 1 not in known and date(today.year, 12, 31) - today < NOTICE:
        message = f"calendar {calendar.id} ends with {today.year}: due times in {today.year + 1} count no days off"
        hint = f"add the holidays of {today.year + 1}, to `provisional` as long as only a part is published"
        scope.report.add(Code.CALENDAR_ENDS, place, message, hint)
