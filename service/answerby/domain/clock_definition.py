"""Clock definitions: the occasions that start, stop and pause a clock, as rule files define them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from answerby.domain.condition import ALWAYS, Condition
from answerby.domain.ladder import OnRuleChange


@dataclass(frozen=True, slots=True)
class Trigger:
    """An occasion for a clock: an event of one of these types, by one of these actors, while the condition holds.

    Without `events` it is standing: it holds after any event that leaves the condition true.
    """

    events: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    """Roles of the actor; empty: any."""
    when: Condition = ALWAYS

    @property
    def standing(self) -> bool:
        return not self.events


Occasion = str | Trigger
"""A bare event type fires for any actor and any facts."""


def events_of(occasion: Occasion) -> tuple[str, ...]:
    """The types of events that may be the occasion; none for a standing condition."""
    return (occasion,) if isinstance(occasion, str) else occasion.events


class Reopen(StrEnum):
    """Effect of a request's reopening on a finished clock without `start`."""

    CONTINUE = "continue"
    """It goes on where it stopped; the time in between does not count."""
    NEW_CYCLE = "new_cycle"
    """It starts again with all of its target."""
    FROZEN = "frozen"
    """It stays finished."""


class AfterCompletion(StrEnum):
    """What becomes of a clock that still runs when its request is completed."""

    CANCEL = "cancel"
    """It ends, neither met nor late: a finished request raises no alarm of what was not finished."""
    CONTINUE = "continue"
    """It goes on until it is met, or the request is closed."""


class RetargetFrom(StrEnum):
    """The start from which a target counts when it replaces another."""

    CREATION = "creation"
    """From the clock's start, pauses already taken left out."""
    NOW = "now"
    """From the event that changed it, as a new cycle."""


class RaiseRetargets(StrEnum):
    """What becomes of the clock's due time when a ladder raises the request or gives it to another."""

    FROM_RAISE = "from_raise"
    """A clock that is late keeps its due time. Another counts its new target from the raise, and is never due later."""
    KEEP = "keep"
    """It keeps its target."""
    AS_RETARGET_FROM = "as_retarget_from"
    """As with any other new target."""


class Recurrence(StrEnum):
    """The start of the next cycle of a clock that restarts when it is met."""

    INDEPENDENT = "independent"
    """The event that met the clock."""
    SEQUENTIAL = "sequential"
    """The clock's due time."""


@dataclass(frozen=True, slots=True)
class ClockDefinition:
    """Definition of one clock. Its target comes from the sla stage: without a target there is no clock.

    Occasions are evaluated in the order stop, reset, cancel, pause, resume (ServiceNow's order of evaluation).
    """

    id: str
    label: Mapping[str, str] = field(default_factory=dict)
    calendar: str = "always"
    """The calendar of targets that name none."""
    start: tuple[Occasion, ...] = ()
    """Occasions that start the clock; empty: it starts when the sla stage gives a target. If all are standing
    conditions, the clock is cancelled when none holds any more."""
    stop: tuple[Occasion, ...] = ()
    """Occasions that meet the clock."""
    pause: tuple[Occasion, ...] = ()
    """Occasions that pause the clock: a standing trigger as long as it holds, an event until `resume`."""
    resume: tuple[Occasion, ...] = ()
    cancel: tuple[Occasion, ...] = ()
    reset: tuple[Occasion, ...] = ()
    """Occasions that end the clock's cycle. The clock starts again at once if it may."""
    pause_while: tuple[str, ...] = ()
    """Request statuses during which the clock is paused."""
    ladder: str = ""
    role: str = ""
    because: str = ""
    task: str = ""
    """Template of a task for the clock's role, made when the clock starts, with the clock's due time."""
    kind: str = ""
    """The kind whose conditions the clock takes where it has none of its own; empty: none."""
    boundary: Boundary = "close"
    granularity: Literal["second", "minute"] = "second"
    """`minute`: events count as of the full minute before them."""
    retarget_from: RetargetFrom = RetargetFrom.CREATION
    reopen: Reopen = Reopen.CONTINUE
    after_completion: AfterCompletion = AfterCompletion.CANCEL
    on_rule_change: OnRuleChange = OnRuleChange.KEEP
    raise_retargets: RaiseRetargets = RaiseRetargets.FROM_RAISE
    recurrence: Recurrence = Recurrence.INDEPENDENT
    paused_time: Literal["excluded", "counted"] = "excluded"
    """`counted`: a pause hides the due time and does not move it."""
    per: str = ""
    """A field. Each of its values has a clock of its own, named `id@value`; empty: one clock."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions on facts in its triggers."""
        occasions = (*self.start, *self.stop, *self.pause, *self.resume, *self.cancel, *self.reset)
        return tuple(o.when for o in occasions if isinstance(o, Trigger) and o.when != ALWAYS)


Boundary = Literal["close", "next_open"]
"""The due time of a target that is used up exactly at closing: at closing, or at the next opening."""
