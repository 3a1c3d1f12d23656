"""The steps of a transition: stages, clocks, timers. These compute each anew; those of `engine.memory` remember."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.clock import ClockState
from answerby.domain.decision import Flag
from answerby.engine.case import Case
from answerby.engine.clocks.advance import advance
from answerby.engine.clocks.inputs import Inputs
from answerby.engine.clocks.timers import TimerPlan, plan
from answerby.engine.stages.pipeline import run_stages
from answerby.engine.stages.stage import StageRunner
from answerby.engine.stages.stage_results import StageResults
from answerby.sla.clock_inputs import ClockTarget


class Steps(StageRunner):
    """The plain steps. Subclasses that remember results give the same bytes."""

    def stages(self, case: Case, inputs: Inputs) -> StageResults:
        """The results of all stages."""
        return run_stages(self, case.compiled, inputs.request, inputs.event, inputs.counts)

    def clocks(
        self, case: Case, inputs: Inputs, results: StageResults, targets: Mapping[str, ClockTarget]
    ) -> tuple[dict[str, ClockState], list[Flag]]:
        """The clocks after the event, by name, and flags about them."""
        return advance(case, inputs, results, targets)

    def timers(self, case: Case, inputs: Inputs, clocks: Mapping[str, ClockState]) -> TimerPlan:
        """The timers to arm and to cancel."""
        return plan(case, inputs, clocks)

    def for_folds(self) -> Steps:
        """The steps for a fold: nothing of a fold may be remembered as the request's latest results."""
        return self


PLAIN = Steps()
