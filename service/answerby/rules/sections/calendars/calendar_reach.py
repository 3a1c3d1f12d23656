"""Checks for calendars that never open, and for targets that their calendar cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from answerby.domain.clock import Target, TargetUnit
from answerby.domain.clock_definition import ClockDefinition
from answerby.domain.errors import TargetOutOfReach, TimeOutOfRange
from answerby.rules.model.rulebook import Output, Stage
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.sections.values.durations import duration_text
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Place
from answerby.sla.business_time import HORIZON_YEARS, next_opening
from answerby.sla.calendar import Calendar
from answerby.sla.clocks import calendar_of
from answerby.sla.targets import due_time


def check_calendar_reach(
    scope: NameScope,
    calendars: Mapping[str, Calendar],
    clocks: Mapping[str, ClockDefinition],
    stages: Iterable[Stage],
    today: date,
) -> None:
    """Reports calendars in use that do not open within ten years of `today`, and targets not due within ten years."""
    start = datetime(today.year, today.month, today.day, tzinfo=UTC)
    shut = {name for name, calendar in calendars.items() if not _opens(calendar, start)}
    for name in sorted(shut):
        if not scope.is_unused(NameKind.CALENDAR, name):
            _report_shut(scope, calendars[name], today)
    seen: set[tuple[str, Target]] = set()
    for given in _targets(scope, clocks, stages):
        key = (given.clock, given.target)
        if key not in seen and given.target.calendar not in shut:
            seen.add(key)
            _check_target(scope, calendars, given, start)


class _GivenTarget(NamedTuple):
    """A target that stage sla may give a clock, with its calendar, and its place and source."""

    clock: str
    target: Target
    place: Place
    source: str


def _opens(calendar: Calendar, start: datetime) -> bool:
    try:
        next_opening(calendar.open_ended(), start)
    except TimeOutOfRange:
        return False
    return True


def _report_shut(scope: NameScope, calendar: Calendar, today: date) -> None:
    message = f"calendar {calendar.id} has no working time at all"
    if any(calendar.overrides.values()) and not any(calendar.weekly):
        message = f"calendar {calendar.id} has no working time in the {HORIZON_YEARS} years after {today}"
    hint = "give it weekly hours"
    if calendar.within:
        others = ", ".join(other.id for other in calendar.within)
        message = f"{message}: its hours and those of {others} never meet"
        hint = f"let its hours and those of {others} overlap, or remove `within`"
    scope.report.add(Code.CALENDAR_NEVER_OPENS, scope.place_of(NameKind.CALENDAR, calendar.id), message, hint)


def _check_target(scope: NameScope, calendars: Mapping[str, Calendar], given: _GivenTarget, start: datetime) -> None:
    calendar = calendar_of(calendars, given.target).open_ended()
    try:
        due_time(given.target, calendar, start)
    except TargetOutOfReach:
        days = given.target.unit is TargetUnit.WORKING_DAYS
        amount = f"{given.target.amount}bd" if days else duration_text(given.target.amount)
        message = f"calendar {calendar.id} cannot hold {amount} for {given.clock} within {HORIZON_YEARS} years"
        hint = f"{given.source}; shorten the target, or count it in a calendar with more hours"
        scope.report.add(Code.TARGET_OUT_OF_REACH, given.place, message, hint)


def _targets(
    scope: NameScope, clocks: Mapping[str, ClockDefinition], stages: Iterable[Stage]
) -> Iterator[_GivenTarget]:
    for stage in stages:
        if stage.name != "sla":
            continue
        for rule in stage.rules:
            place, source = Place(rule.file, rule.line, 1), f"rule {rule.id} gives it"
            yield from _given(rule.then, clocks, place, source)
        for what, outputs in (("default", stage.default), ("safe side", stage.on_error)):
            for given in _given(outputs, clocks, Place("", 1, 1), f"the {what} of stage sla gives it"):
                yield given._replace(place=scope.place_of(NameKind.CLOCK, given.clock))


def _given(
    outputs: Mapping[str, Output], clocks: Mapping[str, ClockDefinition], place: Place, source: str
) -> Iterator[_GivenTarget]:
    for name, value in outputs.items():
        clock = clocks.get(name.removeprefix(TARGET_PREFIX))
        if isinstance(value, Target) and clock is not None:
            calendar = value.calendar or clock.calendar
            yield _GivenTarget(clock.id, Target(value.amount, value.unit, calendar, value.end_of_day), place, source)
