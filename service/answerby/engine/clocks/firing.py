"""The firing of a timer."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from answerby.domain.clock import ClockState, Timer
from answerby.domain.ladder import Ladder, Step


class Firing(NamedTuple):
    """A timer that fires now, `delay_seconds` after it was due."""

    timer: Timer
    clock: ClockState
    ladder: Ladder
    step: Step | None
    """None when the timer is not for a step."""
    delay_seconds: int
    quiet_until: datetime | None
    """The end of the quiet hours in which it fires; None outside of quiet hours."""
    catch_up_at: datetime | None = None
    """When reminders missed in an outage are sent together; None: each is sent by itself."""

    @property
    def held_until(self) -> datetime | None:
        """When its reminders that are not urgent are sent; None: now."""
        return self.catch_up_at or self.quiet_until

    @property
    def reminders_wait(self) -> bool:
        """Whether the step has a reminder that waits."""
        return self.held_until is not None and self.step is not None and any(not n.urgent for n in self.step.notify)
