"""What starts, stops and pauses a clock, as rule files define it."""

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
    """Roles; empty: whoever."""
    when: Condition = ALWAYS

    @property
    def standing(self) -> bool:
        return not self.events


Occasion = str | Trigger
"""A bare event type fires whoever its actor is and whatever the facts are."""


class Reopen(StrEnum):
    """What a request's reopening does to a finished clock that has no start of its own."""

    CONTINUE = "continue"
    """It goes on where it stopped; the time in between does not count."""
    NEW_CYCLE = "new_cycle"
    """It starts again with all of its target."""
    FROZEN = "frozen"
    """It stays finished."""


class RetargetFrom(StrEnum):
    """Where a target counts from when it replaces another one."""

    CREATION = "creation"
    """From the clock's start, pauses already taken left out."""
    NOW = "now"
    """From the event that changed it, as a new cycle."""


class Recurrence(StrEnum):
    """Where the next cycle of a clock that restarts when it is met counts from."""

    INDEPENDENT = "independent"
    """From the event that met it."""
    SEQUENTIAL = "sequential"
    """From its due time."""


@dataclass(frozen=True, slots=True)
class ClockDefinition:
    """What starts, stops and pauses one clock. Its target comes from the sla stage: no target, no clock.

    Occasions are asked in the order stop, reset, cancel, pause, resume (ServiceNow's order of evaluation).
    """

    id: str
    label: Mapping[str, str] = field(default_factory=dict)
    calendar: str = "always"
    """The calendar for targets that name none."""
    start: tuple[Occasion, ...] = ()
    """What starts it; empty: as soon as the sla stage gives a target. When all are standing, it is cancelled once
    none holds any more."""
    stop: tuple[Occasion, ...] = ()
    """What meets it."""
    pause: tuple[Occasion, ...] = ()
    """What makes it stand still: a standing trigger as long as it holds, an event until `resume`."""
    resume: tuple[Occasion, ...] = ()
    cancel: tuple[Occasion, ...] = ()
    reset: tuple[Occasion, ...] = ()
    """What ends its cycle; it starts again at once if it may."""
    pause_while: tuple[str, ...] = ()
    """Request statuses during which it stands still."""
    ladder: str = ""
    role: str = ""
    because: str = ""
    task: str = ""
    """Template of a task for the clock's role, made when the clock starts and due when the clock is."""
    kind: str = ""
    """The kind whose conditions it took where it has none of its own; empty: none."""
    boundary: Boundary = "close"
    granularity: Literal["second", "minute"] = "second"
    """`minute`: events count as of the full minute before them."""
    retarget_from: RetargetFrom = RetargetFrom.CREATION
    reopen: Reopen = Reopen.CONTINUE
    on_rule_change: OnRuleChange = OnRuleChange.KEEP
    recurrence: Recurrence = Recurrence.INDEPENDENT
    paused_time: Literal["excluded", "counted"] = "excluded"
    """`counted`: a pause hides the due time and does not move it."""
    per: str = ""
    """A field for each of whose values there is a clock of its own, named `id@value`; empty: one clock."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions on facts in its triggers."""
        occasions = (*self.start, *self.stop, *self.pause, *self.resume, *self.cancel, *self.reset)
        return tuple(o.when for o in occasions if isinstance(o, Trigger) and o.when != ALWAYS)


Boundary = Literal["close", "next_open"]
"""When time is used up exactly at closing: due at closing, or at the next opening."""
