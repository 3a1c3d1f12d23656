"""A ladder: what is done, step by step, as a clock nears and passes its due time. Requests keep those they climb."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class QuietThen(StrEnum):
    """What becomes of a reminder in quiet hours."""

    SEND_NOW = "send_now"
    NEXT_OPENING = "next_opening"
    DIGEST = "digest"
    """Put together with others into one, at the next opening."""


class Offsets(StrEnum):
    """What the seconds of a ladder's offsets are: of the clock on the wall, or of the target's calendar."""

    WALL_TIME = "wall_time"
    WORKING_TIME = "working_time"


class OnAcknowledgement(StrEnum):
    """What an acknowledgement ends: steps and repeats that wait for it, or all the steps that are left."""

    STOP_REPEATS = "stop_repeats"
    STOP_CHAIN = "stop_chain"


class OnRuleChange(StrEnum):
    """Whether a new revision reaches a clock or a ladder that already runs."""

    KEEP = "keep"
    """Only what begins later, or whose facts change; all others on explicit migration."""
    MIGRATE = "migrate"
    """At the request's next event."""


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
    then: QuietThen


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
    offsets: Offsets = Offsets.WALL_TIME
    quiet_hours: QuietHours | None = None
    on_acknowledgement: OnAcknowledgement = OnAcknowledgement.STOP_REPEATS
    acknowledgement_lasts: int = 0
    """Wall seconds after which an acknowledgement without a result counts no more, and the climb begins anew; 0: for
    ever (PagerDuty's acknowledgement timeout)."""
    rounds: Rounds | None = None
    on_rule_change: OnRuleChange = OnRuleChange.KEEP

    @property
    def repeats(self) -> bool:
        """Whether some step repeats until somebody acknowledges."""
        return any(step.repeat_every_seconds > 0 for step in self.steps)
