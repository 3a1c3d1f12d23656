"""Targets that a ladder's raise takes away: a clock that loses its target is cancelled, so nobody hears of it again.

A ladder raises only while its own clock runs, so that clock has a target too, on the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from answerby.engine.stages.ladder_values import PRIORITY
from answerby.rules.model.rulebook import HitPolicy, Rulebook
from answerby.rules.sections.stages.outputs import TARGET_PREFIX
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.stage_analysis import ATTEMPTS, StageAnalysis
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, intersection, make_box
from answerby.workbench.proofs.space.hit_policies import NOTHING, Contest, bits
from answerby.workbench.proofs.space.ladder_gifts import raising_ladders

KIND = "whether a raise takes away a target"


class _Raise(NamedTuple):
    """A raise by one value, out of facts on which the raising clock and the other one have their targets."""

    ladder: str
    before: int
    """The cell of the priority before the raise."""
    after: Box
    """The facts with the priority raised."""
    barred: tuple[Box, ...]
    """The facts, with the priority raised, where a rule keeps one of the targets from being given before."""


def find_lost_targets(analysis: StageAnalysis, rulebook: Rulebook) -> None:
    """Adds a finding for each clock that has a target at a priority, and none where a ladder raises it."""
    ladders = raising_ladders(rulebook)
    raisers = {clock: item.ladder for clock, item in rulebook.clocks.items() if item.ladder in ladders}
    if not raisers or analysis.view.space.number(PRIORITY) is None:
        return
    for clock in rulebook.clocks:
        name = f"{TARGET_PREFIX}{clock}"
        givers = [] if name in analysis.contest.stage.default else list(analysis.contest.setters.get(name, ()))

        def ask(_first: int, clock: str = clock, givers: Sequence[int] = givers) -> None:
            # The first finding is enough: who mends it is told of the next.
            any(_lost(analysis, giver, clock, raisers) for giver in givers)

        analysis.ask_each(KIND, givers[:1], ask)


def _lost(analysis: StageAnalysis, giver: int, clock: str, raisers: Mapping[str, str]) -> bool:
    """Whether a raise out of the facts of the rule leaves the clock without a target. Adds the finding if so."""
    demands = analysis.contest.nobody(f"{TARGET_PREFIX}{clock}")
    unshown = False
    for each in _raises(analysis, giver, clock, raisers):
        barred = list(each.barred)
        for _ in range(ATTEMPTS):
            found = analysis.find([], demands, each.after, barred)
            if found is None:
                break
            facts = {d: mask for d, mask in enumerate(found) if mask != analysis.view.domains[d]}
            if _reported(analysis, giver, clock, each, facts):
                return True
            unshown = True
            barred.append(make_box(facts))
    if unshown:
        analysis.unconfirmed += 1
        analysis.leave_open(KIND, giver, "no request could be made that shows it")
    return False


def _reported(analysis: StageAnalysis, giver: int, clock: str, each: _Raise, facts: Mapping[int, int]) -> bool:
    """Adds the finding if a request can be made that has the targets, and these facts after the raise."""
    name, number = f"{TARGET_PREFIX}{clock}", analysis.view.space.number(PRIORITY)
    assert number is not None
    there = "; ".join(analysis.region([facts.get(d, mask) for d, mask in enumerate(analysis.view.domains)]))

    def report(point: Mapping[int, int]) -> Finding:
        return analysis.finding(
            Code.RAISE_LOSES_TARGET,
            [giver],
            f"a raise by ladder {each.ladder} cancels the clock {clock}: {analysis.rule(giver).id} gives it a target,"
            f" and nothing does where {there}",
            f"give {name} a value there too, or a default",
            point,
            outputs=(name,),
        )

    return analysis.report_with_witness([giver], NOTHING, report, make_box({**facts, number: each.before}))


def _raises(analysis: StageAnalysis, giver: int, clock: str, raisers: Mapping[str, str]) -> Iterator[_Raise]:
    """The raises out of the facts of the rule, as far as it asks for a priority."""
    contest, view = analysis.contest, analysis.view
    number = view.space.number(PRIORITY)
    assert number is not None
    domain = view.domains[number] & ~view.space.dimensions[number].missing
    in_the_way = contest.in_its_way(giver, f"{TARGET_PREFIX}{clock}")
    for raiser, ladder in raisers.items():
        for box, in_its_way in [(EVERYTHING, 0)] if raiser == clock else _given(analysis, raiser):
            for own in view.boxes[giver]:
                both = intersection(own, box)
                if both is None or number not in dict(own):
                    continue
                for cell in bits(dict(both)[number] & domain):
                    # Cells are in the order of the values. A step raises by one value.
                    before, raised = 1 << cell, 2 << cell
                    if raised & domain:
                        blocks = [each for n in bits(in_the_way | in_its_way) for each in view.boxes[n]]
                        moved = [
                            {**dict(each), number: raised} for each in blocks if dict(each).get(number, -1) & before
                        ]
                        after = make_box({**dict(both), number: raised})
                        yield _Raise(ladder, before, after, tuple(map(make_box, moved)))


def _given(analysis: StageAnalysis, clock: str) -> Iterator[tuple[Box, int]]:
    """The facts on which the clock may have a target, each with the mask of the rules that keep it from its rule's."""
    name, contest = f"{TARGET_PREFIX}{clock}", analysis.contest
    if name in contest.stage.default or (name in contest.stage.on_error and _may_conflict(contest, name)):
        yield EVERYTHING, 0
        return
    for setter in contest.setters.get(name, ()):
        for box in analysis.view.boxes[setter]:
            yield box, contest.in_its_way(setter, name)


def _may_conflict(contest: Contest, name: str) -> bool:
    """Whether rules that give the output may be at odds, so that the safe side of the stage gives it."""
    policies = {contest.stage.hit, *(contest.hit[n] for n in contest.setters.get(name, ()))}
    return HitPolicy.UNIQUE in policies
