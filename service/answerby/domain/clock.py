"""A clock: one SLA measure of one request. The arithmetic lives in answerby.sla."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

PER = "@"
"""Separator between the id of a clock's definition and the value for which the clock runs."""


class TargetUnit(StrEnum):
    """How a target's amount counts: seconds inside the calendar's working time, or whole working dates."""

    SECONDS = "seconds"
    WORKING_DAYS = "working_days"


class Target(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How long a clock may run. `calendar` is the id of the calendar that counts; `always` is wall time."""

    amount: int
    unit: TargetUnit = TargetUnit.SECONDS
    calendar: str = ""
    end_of_day: bool = False
    """Due at the end of the working day on which the amount is used up."""


class ClockPhase(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class ClockState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The state of one clock of one request after an event. `pauses` are closed [start, end) wall intervals."""

    name: str
    phase: ClockPhase
    target: Target
    started: datetime
    due: datetime | None = None
    paused_since: datetime | None = None
    pauses: list[tuple[datetime, datetime]] = []
    stopped: datetime | None = None
    breached: bool = False
    """Stopped after its due time, or ran at its due time."""
    cycle: int = 1
    """Counts restarts of the same clock (a reopened request, the next reply)."""
    rule: str = ""
    """The id of the rule that set the target."""
    ladder: str = ""
    revision: str = ""
    """Revision of the rulebook that set the target. A later one changes the target only as `on_rule_change` says."""
    manual: bool = False
    """A person set the due time; no rule moves it."""
    held: bool = False
    """Paused by an event, until one resumes it."""
    round: int = 0
    """How often its ladder began again in this cycle."""
    round_started: datetime | None = None
    round_from: int = 0
    """Index of the step at which the round began."""
    round_due: datetime | None = None
    """The due time when the round began. A later one is climbed to from the first round."""
    counts_from: datetime | None = None
    """When a ladder raised the request: the target counts from there, not from the start."""
    set_aside: Target | None = None
    """A target that came with a ladder's raise and that the clock does not take."""
    longest_used: float = 0.0
    """Seconds of working time of the longest cycle before this one; 0 in the first."""
    longest_late: float = 0.0
    """Seconds of working time by which the latest of the cycles before was late."""


def counted_from(
    started: datetime, counts_from: datetime | None, pauses: Sequence[tuple[datetime, datetime]]
) -> tuple[datetime, Sequence[tuple[datetime, datetime]]]:
    """The instant from which a clock's target counts, and its pauses after that."""
    if counts_from is None:
        return started, pauses
    return counts_from, [(max(since, counts_from), end) for since, end in pauses if end > counts_from]


class TimerPurpose(StrEnum):
    """The purpose of a timer."""

    STEP = ""
    """A step of a ladder."""
    QUIET_ENDS = "quiet"
    """Sends reminders at the end of quiet hours."""
    CATCH_UP = "catch_up"
    """Sends reminders missed in an outage in one notice."""
    LAPSE = "lapse"
    """Ends an acknowledgement."""
    ROUND = "round"
    """Begins the ladder again."""
    DUE = "due"
    """Makes a running clock late at its due time, where no step of a ladder fires at that very time."""


class Timer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A moment at which a request is decided again without an event from outside."""

    id: str
    """Stable within its request: `clock/cycle/step/repeat`, with the round after it in later rounds."""
    due: datetime
    clock: str
    cycle: int
    step: int
    repeat: int = 0
    fired: bool = False
    """Fired timers stay in the request's state, so that a step fires once for each due time of a cycle."""
    round: int = 0
    """Number of the ladder's round, from 0."""
    purpose: TimerPurpose = TimerPurpose.STEP
    deferred_to: datetime | None = None
    """When its reminders are sent, if it fired in quiet hours or after an outage."""
    spent: tuple[datetime, ...] = ()
    """The times for which it fired before, the latest last: a due time that became later arms it anew."""

    answered: bool = False
    """Somebody acknowledged after it fired last."""

    @property
    def firings(self) -> tuple[datetime, ...]:
        """All times for which it fired, the latest last."""
        return (*self.spent, self.due) if self.fired else self.spent

    def as_fired(self) -> Timer:
        """The timer as it fired last. Raises IndexError for one that never fired."""
        if self.fired:
            return self
        return msgspec.structs.replace(self, due=self.spent[-1], fired=True, spent=self.spent[:-1])


def clock_name(definition: str, value: str) -> str:
    """The name of the clock of this definition that runs for the value: `definition@value`."""
    return f"{definition}{PER}{value}"


def definition_id(name: str) -> str:
    """The id of the definition of a clock, by the clock's name."""
    return name.partition(PER)[0]
