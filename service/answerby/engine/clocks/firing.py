"""A timer of a ladder that fires."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from answerby.domain.clock import ClockState, Timer
from answerby.domain.ladder import Ladder, Step


class Firing(NamedTuple):
    """A timer of a ladder that fires now, `late_by` seconds after it was due."""

    timer: Timer
    clock: ClockState
    ladder: Ladder
    step: Step | None
    """None when the timer is for something else than a step."""
    late_by: int
    quiet_until: datetime | None
    """When the quiet hours end in which it fires."""
    catch_up_at: datetime | None = None
    """When what was missed in an outage is told together."""

    @property
    def held_until(self) -> datetime | None:
        """Until when its reminders wait, but for urgent ones; None when they do not."""
        return self.catch_up_at or self.quiet_until

    @property
    def reminders_wait(self) -> bool:
        """Whether something of the step is held back."""
        return self.held_until is not None and self.step is not None and any(not n.urgent for n in self.step.notify)
