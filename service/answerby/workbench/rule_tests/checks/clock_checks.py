"""Expectations of due times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from answerby.domain.clock import ClockState, Target, counted_from
from answerby.engine.compiled.rulebook import show_target
from answerby.sla.calendar import ALWAYS
from answerby.sla.clocks import calendar_of, definition_of
from answerby.sla.targets import due_time
from answerby.workbench.rule_tests.checks.difference import Difference, Mode, expectation_text, instant_text
from answerby.workbench.rule_tests.checks.yaml_text import yaml_text
from answerby.workbench.rule_tests.snapshot import NONE, RequestSnapshot


@dataclass(frozen=True, slots=True)
class DueCheck:
    """The due time of a clock: an instant, a target counted from the start of the clock, or None for no due time."""

    clock: str
    expected: datetime | Target | None
    negative: bool = False

    def compare(self, snapshot: RequestSnapshot) -> list[Difference]:
        clock = snapshot.clock(self.clock)
        actual = clock.due if clock is not None else None
        wanted = self.expected
        if isinstance(wanted, Target) and clock is not None:
            calendars = snapshot.compiled.rulebook.calendars
            started, pauses = counted_from(clock.started, clock.counts_from, clock.pauses)
            wanted = due_time(wanted, calendar_of(calendars, wanted), started, pauses)
        if (actual == wanted) != self.negative:
            return []
        offset = self._offset(snapshot)
        expected = instant_text(wanted, offset) if not isinstance(wanted, Target) else show_target(wanted)
        if isinstance(self.expected, Target) and isinstance(wanted, datetime):
            expected = f"{expected} ({show_target(self.expected)})"
        mode = Mode.NOT if self.negative else Mode.IS
        text = expectation_text(mode, [expected])
        accepted = "" if self.negative else self._accepted(snapshot, clock, offset)
        return [Difference(f"due.{self.clock}", text, instant_text(actual, offset), "sla", accepted=accepted)]

    def _accepted(self, snapshot: RequestSnapshot, clock: ClockState | None, offset: timedelta) -> str:
        """The expectation that holds now, written as the old one was: a duration where the target says the due time."""
        if clock is None or clock.due is None:
            return NONE
        calendars = snapshot.compiled.rulebook.calendars
        target = Target(clock.target.amount, clock.target.unit, clock.target.calendar)
        started, pauses = counted_from(clock.started, clock.counts_from, clock.pauses)
        if not isinstance(self.expected, Target) or clock.due != due_time(
            target, calendar_of(calendars, target), started, pauses
        ):
            return yaml_text(instant_text(clock.due, offset))
        duration = show_target(Target(target.amount, target.unit, ""))
        definition = definition_of(snapshot.compiled.rulebook.clocks, self.clock)
        own = definition is not None and definition.calendar == target.calendar
        return duration if own else f"{{within: {duration}, calendar: {yaml_text(target.calendar or ALWAYS.id)}}}"

    def _offset(self, snapshot: RequestSnapshot) -> timedelta:
        """The offset from UTC that the test file writes instants with."""
        instant = self.expected if isinstance(self.expected, datetime) else snapshot.event.time
        return instant.utcoffset() or timedelta()
