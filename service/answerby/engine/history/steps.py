"""The steps of a transition: stages, clocks, timers. Each is computed anew here; `engine.memory` remembers them."""

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
    """The plain steps. Whoever remembers some of them comes to the same bytes."""

    def stages(self, case: Case, inputs: Inputs) -> StageResults:
        """What all stages come to."""
        return run_stages(self, case.compiled, inputs.request, inputs.event, inputs.counts)

    def clocks(
        self, case: Case, inputs: Inputs, results: StageResults, targets: Mapping[str, ClockTarget]
    ) -> tuple[dict[str, ClockState], list[Flag]]:
        """The clocks after the event, by name, and what has to be said about them."""
        return advance(case, inputs, results, targets)

    def timers(self, case: Case, inputs: Inputs, clocks: Mapping[str, ClockState]) -> TimerPlan:
        """The timers to arm and to cancel."""
        return plan(case, inputs, clocks)

    def for_folds(self) -> Steps:
        """The steps for deciding the history of a request again, of which nothing may be remembered for the request."""
        return self


PLAIN = Steps()
