"""What `decide()` returns for one event: facts, clocks, timers, effects, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from answerby.domain.clock import ClockState, Timer
from answerby.domain.effect import Effect
from answerby.domain.event import Event, Value
from answerby.domain.request import RequestState, RequestStatus


class StageOutcome(StrEnum):
    MATCHED = "matched"
    DEFAULTED = "defaulted"
    """No rule matched; the stage's default was taken."""
    CONFLICT = "conflict"
    """Rules that exclude each other matched; the stage's `on_error` was taken and the decision is flagged."""
    ERROR = "error"
    """A condition could not be evaluated; the stage's `on_error` was taken and the decision is flagged."""


class RuleReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule or table row as a person finds it again."""

    id: str
    file: str
    line: int
    because: str
    outputs: dict[str, Value] = {}


class ShadowMatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule on trial (`mode: shadow`) that matched. It decided nothing; this says what it would have decided."""

    rule: RuleReference
    failed: bool = False
    """Its condition could not be evaluated: live, the safe side would be taken where it might have won."""
    wins: bool = False
    """Live, it would be among the rules that decide."""
    changes: dict[str, Value] = {}
    """What the stage would have come to instead, by output; None where it would have come to nothing."""
    facts: dict[str, Value] = {}
    """The facts that it looked at; personal fields are left out."""


class ScoreOutcome(StrEnum):
    SCORED = "scored"
    INCOMPLETE = "incomplete"
    """A factor is missing and the file gives no value for that: there is no score, and the decision is flagged."""
    ERROR = "error"
    """A factor could not be evaluated: the score is an error, or the stage's safe side."""


class ScoreFactor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One factor of a score. Numbers are exact decimals, as text."""

    name: str
    field: str
    value: Value = None
    """The fact; None when it is missing."""
    number: str = ""
    """What the file makes of the fact; empty when there is none."""
    weight: str = ""
    assumed: bool = False
    """The fact is missing, and the file's number for that was taken."""


class ScoreExplanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one score came about."""

    id: str
    file: str
    line: int
    because: str
    method: str
    outcome: ScoreOutcome
    factors: list[ScoreFactor] = []
    tie_break: ScoreFactor | None = None
    """Orders requests of equal score, the highest number first."""
    arithmetic: str = ""
    """Such as `800 * 2 * 0.8 / 4 = 320`."""
    outputs: dict[str, Value] = {}
    """The score and the number of the tie-break, by field."""
    problem: str = ""
    """Why there is no score."""


class StageExplanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one stage decided as it did."""

    stage: str
    outcome: StageOutcome
    won: list[RuleReference] = []
    lost: list[RuleReference] = []
    """Matched, but another rule outranked them under the hit policy."""
    failed: list[RuleReference] = []
    """Could not be evaluated; the reasons are in the decision's flags."""
    facts: dict[str, Value] = {}
    """The facts that the winning and losing rules looked at; personal fields are left out."""
    outputs: dict[str, Value] = {}
    shadow: list[ShadowMatch] = []
    """Rules on trial that matched or failed. They have no part in anything above."""
    scores: list[ScoreExplanation] = []


class Flag(msgspec.Struct, frozen=True):
    """Something about a decision that a person should know: an unknown channel, a provisional calendar."""

    code: str
    message: str


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. `sequence` counts within its request; `state` is the request after it (not logged)."""

    tenant: str
    request_id: str
    event_source: str
    event_id: str
    event_type: str
    event_time: datetime
    decided: datetime
    sequence: int
    revision: str
    number: str = ""
    number_prefix: str = ""
    """Set when the commit must allocate a number: year month and department code, such as 202310-CSR."""
    status: RequestStatus = RequestStatus.OPEN
    facts: dict[str, Value] = {}
    clocks: list[ClockState] = []
    arm: list[Timer] = []
    cancel: list[str] = []
    effects: list[Effect] = []
    explanation: list[StageExplanation] = []
    flags: list[Flag] = []
    follow_ups: list[Event] = []
    """What other requests of the tenant must hear of it. Committed with the decision, but for a historical event."""
    data: str = ""
    """Versions of the time zones and holidays that it was computed with, such as `tzdata 2026f, holidays 0.109`."""
    state: RequestState | None = None

    @property
    def id(self) -> str:
        """Stable name of the decision: `request_id/sequence`."""
        return f"{self.request_id}/{self.sequence}"

    @property
    def next_due(self) -> ClockState | None:
        """The running clock that is due first."""
        running = [c for c in self.clocks if c.due is not None and c.stopped is None and c.phase == "running"]
        return min(running, key=lambda c: (c.due, c.name), default=None)
