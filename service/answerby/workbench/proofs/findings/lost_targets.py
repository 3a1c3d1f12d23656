"""Targets that a ladder's raise takes away: a clock that loses its target is cancelled, so nobody hears of it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from answerby.engine.stages.ladder_values import PRIORITY
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.boxes import Box, make_box
from answerby.workbench.proofs.space.ladder_gifts import raising_ladders

KIND = "whether a raise takes away a target"


def find_lost_targets(analysis: StageAnalysis, rulebook: Rulebook) -> None:
    """Adds a finding for each clock that has a target at a priority, and none where a ladder raises it."""
    ladders = raising_ladders(rulebook)
    if not ladders or analysis.view.space.number(PRIORITY) is None:
        return
    for clock in rulebook.clocks:
        name = f"{TARGET_PREFIX}{clock}"
        givers = [] if name in analysis.contest.stage.default else list(analysis.contest.setters.get(name, ()))

        def ask(_first: int, clock: str = clock, givers: Sequence[int] = givers) -> None:
            # The first finding is enough: who mends it is told of the next.
            any(_lost(analysis, giver, clock, ladders[0]) for giver in givers)

        analysis.ask_each(KIND, givers[:1], ask)


def _lost(analysis: StageAnalysis, giver: int, clock: str, ladder: str) -> bool:
    """Whether a raise out of the facts of the rule leaves the clock without a target. Adds the finding if so."""
    name = f"{TARGET_PREFIX}{clock}"
    demands = analysis.contest.nobody(name)
    for region in _raised(analysis, giver):
        found = analysis.find([], demands, region)
        if found is None:
            continue
        facts = "; ".join(analysis.region(found))

        def report(point: Mapping[int, int], facts: str = facts) -> Finding:
            return analysis.finding(
                Code.RAISE_LOSES_TARGET,
                [giver],
                f"a raise by ladder {ladder} cancels the clock {clock}: {analysis.rule(giver).id} gives it a target,"
                f" and nothing does where {facts}",
                f"give {name} a value there too, or a default",
                point,
                outputs=(name,),
            )

        if analysis.report_with_witness([], demands, report, region):
            return True
        analysis.unconfirmed += 1
        analysis.leave_open(KIND, giver, "no request could be made that shows it")
    return False


def _raised(analysis: StageAnalysis, giver: int) -> Iterator[Box]:
    """The facts of the rule with the priority raised, as far as the rule asks for a priority."""
    number = analysis.view.space.number(PRIORITY)
    assert number is not None
    domain = analysis.view.domains[number]
    for box in analysis.view.boxes[giver]:
        masks = dict(box)
        before = masks.get(number, domain) & domain & ~analysis.view.space.dimensions[number].missing
        # Cells are in the order of the values, so that the raised ones lie above the lowest.
        raised = domain & ~((before & -before) * 2 - 1) & ~analysis.view.space.dimensions[number].missing
        if number in masks and before and raised:
            yield make_box({**masks, number: raised})
