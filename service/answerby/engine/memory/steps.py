"""Steps that remember answers of stages under one rulebook.

A server decides similar requests again and again. A stage with known inputs is not matched again. A clock that an event
leaves unchanged is not computed again. The decisions are those of the plain steps, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from answerby.domain.clock import ClockState
from answerby.domain.decision import Flag
from answerby.engine.case import Case
from answerby.engine.clocks.advance import advance
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.compiled.rulebook import CompiledRulebook, CompiledStage
from answerby.engine.facts.record import Record
from answerby.engine.history.steps import Steps
from answerby.engine.memory.stage_memory import RememberedAnswer, StageMemory
from answerby.engine.stages.answer import StageAnswer
from answerby.engine.stages.stage import StageResult, derive, explained_facts, matches, result, settle
from answerby.engine.stages.stage_results import StageResults
from answerby.sla.clock_inputs import ClockTarget
from answerby.sla.unchanged import UnchangedClocks, unchanged_clocks


class RememberingSteps(Steps):
    """Remembers answers of stages. Bounded; any number of threads may use it."""

    def __init__(self, compiled: CompiledRulebook) -> None:
        self.compiled = compiled
        self._recalls = compiled.matcher.recalls
        self._memories = [StageMemory(stage.stage, compiled.plan) for stage in compiled.stages]
        self._unchanged = unchanged_clocks(compiled.rulebook.revision, compiled.rulebook.clocks)

    def stages(self, case: Case, inputs: Inputs) -> StageResults:
        if case.compiled is not self.compiled:
            raise ValueError("these steps remember another rulebook")
        return super().stages(case, inputs)

    def run(self, compiled: CompiledRulebook, stage: CompiledStage, record: Record, at: datetime) -> StageResult:
        memory = self._memories[stage.number]
        key = memory.key(record) if self._recalls else None
        known = memory.answer(key) if key is not None else None
        if known is not None:
            return result(stage, known, derive(stage, known.settlement, record))
        match_set = matches(compiled, stage, record, at)
        settlement = memory.settlement(match_set)
        if settlement is None:
            settlement = settle(compiled, stage, match_set)
            memory.keep_settlement(match_set, settlement)
        outputs = derive(stage, settlement, record)
        answer = RememberedAnswer(settlement, *explained_facts(settlement, record), key)
        memory.keep(answer)
        return result(stage, answer, outputs)

    def clocks(
        self, case: Case, inputs: Inputs, results: StageResults, targets: Mapping[str, ClockTarget]
    ) -> tuple[dict[str, ClockState], list[Flag]]:
        return advance(case, inputs, results, targets, self._unchanged)

    @property
    def unchanged_clocks(self) -> UnchangedClocks:
        """Facts on the rulebook's clocks that hold before any event."""
        return self._unchanged

    def answer_like(self, stage: CompiledStage, other: StageAnswer) -> StageAnswer | None:
        """The remembered answer of the stage on the facts of `other`, an answer of steps with `same_keys`."""
        if not isinstance(other, RememberedAnswer) or other.key is None:
            return None
        return self._memories[stage.number].answer(other.key)

    def same_keys(self, stage: CompiledStage, other: RememberingSteps, other_stage: CompiledStage) -> bool:
        """Whether keys of both stages have the same meaning."""
        return self._memories[stage.number].same_keys(other._memories[other_stage.number])
