"""Overlaps under `unique`, and conflicts that only the order of names settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.hit_policies import NOTHING, Demands

FILE_PREFIX = "file:"
"""The beginning of the ids of blocks that are lists of rules. All other blocks are tables."""
OVERLAP = "whether it overlaps another rule"
CONFLICT = "whether it conflicts with another rule"


def find_overlaps(analysis: StageAnalysis) -> None:
    """Finds pairs that match together in a `unique` block, or set the same output in a `unique` stage."""

    def ask(number: int) -> None:
        for other, name in _partners(analysis, number):
            if other < number:
                continue
            demands = _both_stand(analysis, number, other, name)

            def report(point: Mapping[int, int], other: int = other, name: str = name) -> Finding:
                one, two = analysis.rule(number), analysis.rule(other)
                what = (
                    f"both set {name}" if name else f"both match, and {one.block.removeprefix(FILE_PREFIX)} is unique"
                )
                safe = "neither counts; the safe side of the stage is taken"
                return analysis.finding(
                    Code.OVERLAP,
                    [number, other],
                    f"{one.id} and {two.id} overlap: {what}, so that {safe}",
                    f"narrow one of them (the other is at {two.file}:{two.line}), or choose another hit policy",
                    point,
                    outputs=(name,) if name else tuple(sorted({*one.then, *two.then})),
                )

            if analysis.report_if_any(OVERLAP, number, [number, other], demands, report):
                analysis.overlapping.add(number)
                return

    analysis.ask_each(OVERLAP, analysis.live(), ask)


def overlaps(analysis: StageAnalysis, number: int) -> bool:
    """Whether the rule overlaps any other rule."""
    if number in analysis.overlapping:
        return True
    for other, name in _partners(analysis, number):
        demands = _both_stand(analysis, number, other, name)
        if analysis.find([number, other], demands) is not None:
            return True
    return False


def _both_stand(analysis: StageAnalysis, number: int, other: int, name: str) -> Demands:
    """Demands that both rules bring the output out of their blocks. Without an output there are no demands."""
    contest = analysis.contest
    return contest.stands(number, name).also(contest.stands(other, name)) if name else NOTHING


def _partners(analysis: StageAnalysis, number: int) -> Iterator[tuple[int, str]]:
    """The rules that may overlap this one, and the output they compete for; empty where all outputs are lost."""
    contest, meeting = analysis.contest, analysis.view.meeting(number)
    rule = contest.rules[number]
    fellows = contest.of_block[rule.block]
    if contest.hit[number] is HitPolicy.UNIQUE:
        yield from ((n, "") for n in fellows if n != number and meeting >> n & 1)
    if contest.stage.hit is not HitPolicy.UNIQUE:
        return
    for name in rule.then:
        if not contest.is_united(name):
            for other in contest.setters[name]:
                excluded = other in fellows and contest.hit[number] is not HitPolicy.COLLECT
                if other != number and meeting >> other & 1 and not excluded:
                    yield other, name


def find_conflicts(analysis: StageAnalysis) -> None:
    """Finds rules of the same rank that give one output different values, so that only their names decide."""

    def ask(number: int) -> None:
        for other, name in _rivals(analysis, number):
            contest = analysis.contest
            among = analysis.view.meeting(number) & analysis.view.meeting(other)
            demands = contest.wins(number, name, among=among).also(contest.wins(other, name, number, among))

            def report(point: Mapping[int, int], other: int = other, name: str = name) -> Finding:
                one, two = analysis.rule(number), analysis.rule(other)
                return analysis.finding(
                    Code.CONFLICT,
                    [number, other],
                    f"{one.id} and {two.id} conflict over {name}: both match and have the same rank, so that the order"
                    f" of their names decides",
                    f"give one of them a lower rank, or narrow it (the other is at {two.file}:{two.line})",
                    point,
                    outputs=(name,),
                )

            if analysis.report_if_any(CONFLICT, number, [number, other], demands, report):
                return

    analysis.ask_each(CONFLICT, analysis.live(), ask)


def _rivals(analysis: StageAnalysis, number: int) -> Iterator[tuple[int, str]]:
    contest, meeting = analysis.contest, analysis.view.meeting(number)
    rule = contest.rules[number]
    if contest.stage.hit is HitPolicy.UNIQUE or contest.hit[number] is HitPolicy.UNIQUE:
        return
    for name, value in rule.then.items():
        if contest.is_united(name):
            continue
        severe = contest.stage.hit is HitPolicy.MOST_SEVERE
        for other in contest.ranked[name]:
            rival = contest.rules[other]
            tied = rival.order[:2] == rule.order[:2] and rival.order[2] != rule.order[2]
            if not tied or other in analysis.unreachable or not meeting >> other & 1 or rival.then[name] == value:
                continue
            same_block = rival.block == rule.block
            by_severity = severe or (same_block and contest.hit[number] is HitPolicy.MOST_SEVERE)
            mine, theirs = (contest.key(n, name, severe=by_severity) for n in (number, other))
            if mine < theirs and mine[0] == theirs[0]:
                yield other, name
