"""A ladder: what is done, step by step, as a clock nears and passes its due time. Requests keep those they climb."""

from __future__ import annotations

from typing import Literal

import msgspec


class Notification(msgspec.Struct, frozen=True, omit_defaults=True):
    """`notify:` of a rule or a ladder step: tell a role at once."""

    roles: tuple[str, ...]
    template: str = ""
    urgent: bool = False
    """Bypasses quiet hours and batching."""
    until_acknowledged: bool = False


class Reassignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who answers for the request from now on; an empty part stays as routing decided."""

    department: str = ""
    role: str = ""


class QuietHours(msgspec.Struct, frozen=True):
    """When reminders wait: outside a calendar's working time. Due times never move, urgent notices never wait."""

    calendar: str
    then: Literal["send_now", "next_opening", "digest"]
    """What becomes of a reminder: sent all the same; sent at the next opening; put together into one at the opening."""


class Rounds(msgspec.Struct, frozen=True):
    """Climbs the ladder again, from a step on, when its last step has brought nothing."""

    from_step: int
    """Index of the step, from 0."""
    every_seconds: int
    """Wall seconds between the last step and the next round."""
    at_most: int


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step. Exactly one of `offset_seconds` and `offset_days` (from due, negative before) and `percent` is set."""

    offset_seconds: int | None
    percent: int | None
    notify: tuple[Notification, ...] = ()
    raise_priority: bool = False
    open_case: str = ""
    repeat_every_seconds: int = 0
    """Wall seconds until the step repeats, until acknowledged; 0: once."""
    repeat_at_most: int = 0
    offset_days: int | None = None
    """Working dates of the target's calendar."""
    reassign: Reassignment | None = None


class Ladder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The steps of an escalation, in the order of the file."""

    id: str
    steps: tuple[Step, ...]
    because: str = ""
    offsets: Literal["wall_time", "working_time"] = "wall_time"
    """What the seconds of its offsets are: seconds of the clock on the wall, or of the target's calendar."""
    quiet_hours: QuietHours | None = None
    on_acknowledgement: Literal["stop_repeats", "stop_chain"] = "stop_repeats"
    """What an acknowledgement ends: steps and repeats that wait for it, or all the steps that are left."""
    acknowledgement_lasts: int = 0
    """Wall seconds after which an acknowledgement without a result counts no more, and the climb begins anew; 0: for
    ever (PagerDuty's acknowledgement timeout)."""
    rounds: Rounds | None = None
    on_rule_change: Literal["keep", "migrate"] = "keep"
    """Whether an edit reaches requests that climb the ladder already: not at all, or at their next event."""
