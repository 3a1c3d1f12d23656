"""The clocks of a decision: their states after the event, and flags about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from answerby.domain.clock import ClockPhase, ClockState
from answerby.domain.condition import atoms
from answerby.domain.decision import Flag
from answerby.domain.errors import CalendarYearMissing
from answerby.engine.case import Case
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.clocks.reach import keep_targets
from answerby.engine.compiled.clock_conditions import RecordFacts
from answerby.engine.compiled.rulebook import show_target
from answerby.engine.facts.manual_due import manual_due_times
from answerby.engine.stages.stage_results import StageResults
from answerby.rules.model.rulebook import Rulebook
from answerby.sla.business_time import touches_provisional
from answerby.sla.calendar import Calendar
from answerby.sla.clock_inputs import ClockTarget, OutOfReach, SafeSides
from answerby.sla.clocks import LIVE, advance_clocks
from answerby.sla.occasions import ClockEvent
from answerby.sla.unchanged import UnchangedClocks


def advance(
    case: Case,
    inputs: Inputs,
    results: StageResults,
    targets: Mapping[str, ClockTarget],
    unchanged: UnchangedClocks | None = None,
) -> tuple[dict[str, ClockState], list[Flag]]:
    """The clocks after the event, by name, and flags.

    A calendar without data for a year gives an earlier, safe due time and a flag. A target that its calendar cannot
    hold gives way to the safe side of stage sla, with a flag. `unchanged` saves computing clocks that the event does
    not change; it changes no result.
    """
    compiled, request, event = case.compiled, inputs.request, inputs.event
    rulebook = compiled.rulebook
    facts = RecordFacts(compiled.clock_conditions, results.record)
    # Instants of different zones compare ten times as slowly.
    was = case.state.status if case.state is not None else None
    reopened = case.state is not None and request.reopen_count > case.state.reopen_count
    time = event.time.astimezone(UTC)
    clock_event = ClockEvent(
        event.type, time, event.actor, request.status, facts, was, _raised(case, inputs), reopened, request.ended
    )
    targets = keep_targets(case, inputs, results.derived, targets)
    manual, flags = manual_due_times(request.given, rulebook.vocabulary, rulebook.clocks)
    # A clock that the event changed before the rules, such as by an earlier start, has to be computed.
    untouched = case.state is not None and request.clocks is case.state.clocks
    known = unchanged if untouched else None
    messages = inputs.messages
    calendars, before = rulebook.calendars, request.clocks
    safe_sides = SafeSides(compiled.safe_targets)
    try:
        clocks = advance_clocks(
            rulebook.clocks, calendars, before, targets, clock_event, manual, known, messages, safe_sides
        )
    except CalendarYearMissing as missing:
        open_ended = {name: calendar.open_ended() for name, calendar in calendars.items()}
        clocks = advance_clocks(
            rulebook.clocks, open_ended, before, targets, clock_event, manual, None, messages, safe_sides
        )
        flags.append(_missing_years(calendars, clocks, missing))
    flags += [_out_of_reach(name, found) for name, found in sorted(safe_sides.taken.items())]
    mark_breaches(clocks, case.moment)
    flags += provisional(rulebook, before, clocks)
    if facts.failed:
        fields = sorted({atom.field for condition in facts.failed for atom in atoms(condition)})
        flags.append(Flag("CLOCK_CONDITION_FAILED", f"conditions of clocks on {', '.join(fields)} cannot be evaluated"))
    return clocks, flags


def _missing_years(
    calendars: Mapping[str, Calendar], clocks: Mapping[str, ClockState], missing: CalendarYearMissing
) -> Flag:
    """The flag that names every year which a live clock needs and its calendar does not list."""
    years: dict[str, set[int]] = {missing.metadata["calendar"]: {int(missing.metadata["year"])}}
    for clock in clocks.values():
        calendar = calendars.get(clock.target.calendar)
        if calendar is not None and clock.phase in LIVE:
            unknown = calendar.unknown_years(clock.started, clock.due or clock.started)
            if unknown:
                years.setdefault(calendar.id, set()).update(unknown)
    listed = {name: ", ".join(map(str, sorted(unknown))) for name, unknown in sorted(years.items())}
    named = "; ".join(f"calendar {name} has no holidays for {unknown}" for name, unknown in listed.items())
    return Flag(missing.reason, f"{named}; due times count none there. Add the years to the calendar's file")


def _out_of_reach(name: str, found: OutOfReach) -> Flag:
    target, instead = show_target(found.target), show_target(found.instead)
    message = f"{name}: calendar {found.target.calendar} has too little working time for {target}; {instead} counts"
    return Flag("TARGET_OUT_OF_REACH", message)


def _raised(case: Case, inputs: Inputs) -> datetime | None:
    """When the firing of a ladder's step raised the request or gave it to another; None if it did not."""
    firing = inputs.firing
    if firing is None or firing.step is None or firing.timer.repeat > 0:
        return None
    raises = firing.step.raise_priority or firing.step.reassign is not None
    return case.moment.astimezone(UTC) if raises else None


def mark_breaches(clocks: dict[str, ClockState], moment: datetime) -> None:
    """Marks clocks that run at or past their due time as breached, in place: `clocks` belongs to the caller."""
    for name, clock in clocks.items():
        late = clock.due is not None and clock.due <= moment and clock.phase is ClockPhase.RUNNING
        if late and not clock.breached:
            clocks[name] = msgspec.structs.replace(clock, breached=True)


def provisional(rulebook: Rulebook, before: Mapping[str, ClockState], clocks: Mapping[str, ClockState]) -> list[Flag]:
    """Flags for new due times that depend on a year published only in part."""
    flags = []
    for name, clock in clocks.items():
        earlier = before.get(name)
        if earlier is clock:
            continue
        calendar = rulebook.calendars.get(clock.target.calendar)
        if calendar is None or clock.due is None or not calendar.provisional_years:
            continue
        moved = earlier is None or earlier.due != clock.due
        if moved and touches_provisional(calendar, clock.started, clock.due):
            flags.append(Flag("CALENDAR_PROVISIONAL", f"{name}: {calendar.id} is not fully published for its due time"))
    return flags
