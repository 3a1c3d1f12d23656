"""Decisions: the results of `decide()` for one event, with the explanation."""

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
    BY_HAND = "by_hand"
    """A person set the value. No output of a rule counts."""
    BY_LADDER = "by_ladder"
    """A ladder gave the value. No output of a rule counts."""


LADDER_PREFIX = "ladder."
"""Prefix of the ids of references to steps of ladders, as in `ladder.standard#2`."""


class RuleReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule, a table row, a step of a ladder or a value set by hand, with its place for a person."""

    id: str
    file: str
    line: int
    because: str
    outputs: dict[str, Value] = {}
    clock: str = ""
    """Of a step of a ladder: the clock that it climbs for."""


class ShadowMatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A shadow rule (`mode: shadow`) that matched or failed, and its effect if it were live."""

    rule: RuleReference
    failed: bool = False
    """Its condition could not be evaluated. Live, outputs that it might win would take the safe side."""
    wins: bool = False
    """Live, it would be among the rules that decide."""
    changes: dict[str, Value] = {}
    """The outputs that would differ, with their other value; None: no value."""
    facts: dict[str, Value] = {}
    """The facts that it read, without personal ones."""


class ScoreOutcome(StrEnum):
    SCORED = "scored"
    INCOMPLETE = "incomplete"
    """A factor is missing and the file has no value for that. There is no score, and the decision is flagged."""
    ERROR = "error"
    """A factor could not be evaluated: the score is an error, or the stage's safe side."""


class ScoreFactor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One factor of a score. Numbers are exact decimals, as text."""

    name: str
    field: str
    value: Value = None
    """The fact; None when it is missing."""
    number: str = ""
    """The number of the fact, by the file; empty when there is none."""
    weight: str = ""
    assumed: bool = False
    """The fact is missing, and the number is the file's for a missing fact."""


class ScoreExplanation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The computation of one score."""

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
    """The reasons of one stage's outputs."""

    stage: str
    outcome: StageOutcome
    won: list[RuleReference] = []
    lost: list[RuleReference] = []
    """Rules that matched, but were outranked under the hit policy."""
    failed: list[RuleReference] = []
    """Rules that could not be evaluated. The decision's flags have the reasons."""
    facts: dict[str, Value] = {}
    """The facts that the winning and losing rules read, without personal ones."""
    outputs: dict[str, Value] = {}
    shadow: list[ShadowMatch] = []
    """Shadow rules that matched or failed. They have no part in all other fields."""
    scores: list[ScoreExplanation] = []


class Flag(msgspec.Struct, frozen=True):
    """Something about a decision that a person should know: an unknown channel, a provisional calendar."""

    code: str
    message: str


LASTING_FLAGS = frozenset(
    {
        "CALENDAR_PROVISIONAL",
        "CALENDAR_YEAR_MISSING",
        "CLOCK_CONDITION_FAILED",
        "CONDITION_ERROR",
        "CORRECTION_REFUSED",
        "DERIVED_FIELD",
        "DUE_REFUSED",
        "FACT_REFUSED",
        "LADDER_HELD",
        "OVERRIDE_REFUSED",
        "RULE_CONFLICT",
        "SCORE_ERROR",
        "TARGET_OUT_OF_REACH",
        "TEXT_CUT",
        "UNKNOWN_EVENT_TYPE",
        "UNKNOWN_FIELD",
        "UNKNOWN_VALUE",
    }
)
"""Codes of flags that concern a person beyond the decision: something was refused, in doubt or missing."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. `sequence` counts within its request; `state` is the request after it and is not logged."""

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
    """Events for other requests of the tenant, committed with the decision unless its event is historical."""
    data: str = ""
    """Versions of the time zones and holidays in use, such as `tzdata 2026f, holidays 0.109`."""
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
