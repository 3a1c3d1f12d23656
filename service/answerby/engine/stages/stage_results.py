"""What a decision needs from outside the request, and what the stages have come to so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from answerby.domain.decision import Flag, StageExplanation
from answerby.domain.event import Event, Value
from answerby.domain.ladder import Ladder
from answerby.engine.facts.record import Record
from answerby.engine.memory.stage_memory import Answer
from answerby.engine.stages.stage import StageResult
from answerby.rules.model.rulebook import Output
from answerby.sla.scene import ClockTarget


class Kept(NamedTuple):
    """What a request has from an earlier revision of the rules and keeps in a fold."""

    targets: Mapping[str, ClockTarget]
    """By clock."""
    ladders: Mapping[str, Ladder]


class Context(NamedTuple):
    """What the decision needs from outside the request: counts per window field, this request left out."""

    windows: Mapping[str, int] = {}
    history: Sequence[Event] | None = None
    """Every event of the request before this one, in the order decided. Only a late event or a correction asks for it
    (`refold_wanted`); None, where it is not known, decides such an event as it comes."""
    kept: Kept | None = None
    """Of a fold: what the request has from an earlier revision of the rules."""


class Begun(NamedTuple):
    """A draft up to the stages that heed what has become of the request. Nobody may change it."""

    record: Record
    results: tuple[StageResult, ...]


class Draft:
    """What the stages have come to so far."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.outputs: dict[str, Output] = {}
        self.goals: dict[str, ClockTarget] = {}
        """The target of every clock that has one."""
        self.reasons: list[str] = []
        """The words of the rules that decided, stage by stage, each once."""
        self.derived: dict[str, Value] = {}
        self.explanation: list[StageExplanation] = []
        self.flags: list[Flag] = []
        self.answers: list[Answer] = []
        """What the rules of each stage gave, before anything was held or set by hand."""
        self.begun: Begun | None = None
        """Kept where the request may be decided again."""
