"""Ladders: the steps of an escalation before and after a clock's due time. Requests keep the ladders in use."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class QuietThen(StrEnum):
    """When a reminder of quiet hours is sent."""

    SEND_NOW = "send_now"
    NEXT_OPENING = "next_opening"
    DIGEST = "digest"
    """Together with others, in one message at the next opening."""


class Offsets(StrEnum):
    """How the seconds of a ladder's offsets count: as wall time, or as working time of the target's calendar."""

    WALL_TIME = "wall_time"
    WORKING_TIME = "working_time"


class OnAcknowledgement(StrEnum):
    """The steps that an acknowledgement ends: those that wait for it and repeats, or all that are left."""

    STOP_REPEATS = "stop_repeats"
    STOP_CHAIN = "stop_chain"


class OnRuleChange(StrEnum):
    """Whether a new revision changes a clock or a ladder that already runs."""

    KEEP = "keep"
    """No, unless its facts change or a person migrates it."""
    MIGRATE = "migrate"
    """Yes, at the request's next event."""


class Notification(msgspec.Struct, frozen=True, omit_defaults=True):
    """`notify:` of a rule or a ladder step: tell a role at once."""

    roles: tuple[str, ...]
    template: str = ""
    urgent: bool = False
    """Bypasses quiet hours and batching."""
    until_acknowledged: bool = False


class Reassignment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The new department and role of a request. An empty one stays as routing decided."""

    department: str = ""
    role: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The fields that it sets, with their values."""
        both = {"department": self.department, "role": self.role}
        return {name: value for name, value in both.items() if value}


class QuietHours(msgspec.Struct, frozen=True):
    """Quiet hours, outside a calendar's working time: reminders wait. Due times stay, and urgent notices never wait."""

    calendar: str
    then: QuietThen


class Rounds(msgspec.Struct, frozen=True):
    """Rounds of a ladder: it begins again, from a step on, some time after its last step."""

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
    """Wall seconds between repeats, which go on until acknowledged; 0: no repeats."""
    repeat_at_most: int = 0
    offset_days: int | None = None
    """Working dates of the target's calendar."""
    reassign: Reassignment | None = None
    line: int = 0
    """Line of the ladder's file; 0: not known."""


class Ladder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The steps of an escalation, in the order of the file."""

    id: str
    steps: tuple[Step, ...]
    because: str = ""
    offsets: Offsets = Offsets.WALL_TIME
    quiet_hours: QuietHours | None = None
    on_acknowledgement: OnAcknowledgement = OnAcknowledgement.STOP_REPEATS
    acknowledgement_lasts: int = 0
    """Wall seconds after which an acknowledgement lapses and the ladder begins again; 0: never (PagerDuty's
    acknowledgement timeout)."""
    rounds: Rounds | None = None
    on_rule_change: OnRuleChange = OnRuleChange.KEEP
    file: str = ""
    """Path within the rules folder; empty: not known."""

    @property
    def repeats(self) -> bool:
        """Whether some step repeats until somebody acknowledges."""
        return any(step.repeat_every_seconds > 0 for step in self.steps)


class LadderAct(msgspec.Struct, frozen=True, omit_defaults=True):
    """The step of a ladder that gave a field its value, with its place for a person."""

    ladder: str
    step: int
    """Number of the step, from 1."""
    clock: str
    file: str = ""
    line: int = 0
    because: str = ""
