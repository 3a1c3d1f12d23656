"""Results of the stages of one decision: so far, and of all."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.decision import Flag, StageExplanation
from answerby.domain.event import Value
from answerby.engine.facts.record import Record
from answerby.engine.stages.answer import StageAnswer
from answerby.engine.stages.stage import StageResult
from answerby.rules.model.rulebook import Output
from answerby.sla.clock_inputs import ClockTarget


class StagesSoFar:
    """Results of the stages asked so far, and the record as they leave it. The pipeline adds to both."""

    __slots__ = ("overrides", "record", "results")

    def __init__(self, record: Record, results: list[StageResult], overrides: Mapping[str, Value]) -> None:
        self.record = record
        self.results = results
        self.overrides = overrides
        """Values that a person set over the rules, by field."""

    def fork(self) -> StagesSoFar:
        """A copy from which other later stages can go on."""
        return StagesSoFar(self.record.fork(), list(self.results), self.overrides)


class StageResults:
    """Results of all stages. They belong to one decision; the memory keeps some and changes none."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.outputs: dict[str, Output] = {}
        self.targets: dict[str, ClockTarget] = {}
        """The target of every clock that has one."""
        self.reasons: list[str] = []
        """The reasons (`because`) of the rules that decided, stage by stage, each once."""
        self.derived: dict[str, Value] = {}
        self.explanation: list[StageExplanation] = []
        self.flags: list[Flag] = []
        self.answers: list[StageAnswer] = []
        """The answer of each stage's rules alone, before values from ladders or persons."""
