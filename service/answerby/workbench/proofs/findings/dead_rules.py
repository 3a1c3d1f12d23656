"""Rules that match and never win: shadowed by earlier rules, or always beaten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.boxes import contains
from answerby.workbench.proofs.space.hit_policies import NOTHING, Demands, bits, mask_of

KIND = "whether it ever counts"
MOST_REDUCED = 40
"""The most rivals that are reduced to those that matter."""


def find_dead(analysis: StageAnalysis) -> None:
    _sample(analysis)

    def ask(number: int) -> None:
        if number in analysis.won_at:
            return
        contest = analysis.contest
        for name in contest.rules[number].then:
            found = analysis.find([number], contest.wins(number, name, among=analysis.view.meeting(number)))
            if found is not None:
                analysis.won_at[number] = analysis.view.choose(found)
                return
        analysis.dead.add(number)
        _report(analysis, number)

    analysis.ask_each(KIND, analysis.live(), ask)


def _sample(analysis: StageAnalysis) -> None:
    """Notes points where rules win, as far as quick tries find them."""
    contest = analysis.contest
    for number in analysis.live():
        rivals = 0
        meeting = analysis.view.meeting(number)
        for name in contest.rules[number].then:
            if number in analysis.won_at:
                break
            rivals |= contest.wins(number, name, among=meeting).losers
            point = analysis.view.sample(number, rivals)
            if point is not None:
                for winner in contest.settle(analysis.view.matching(point)).won():
                    analysis.won_at.setdefault(winner, point)


def _report(analysis: StageAnalysis, number: int) -> None:
    rule, contest = analysis.rule(number), analysis.contest
    rivals = _rivals(analysis, number)
    if is_shadowed(analysis, number):
        message = f"{rule.id} is shadowed: whatever it matches, {analysis.names_of(rivals)} {_takes(rivals)} first"
        hint = "remove it, or put it before them, or narrow them"
        code = Code.SHADOWED_RULE
    else:
        exclusive = HitPolicy.UNIQUE in {contest.hit[number], contest.stage.hit}
        how = ("or excludes it" if len(rivals) == 1 else "or exclude it") if exclusive else "by severity"
        message = f"{rule.id} never counts: wherever it matches, {analysis.names_of(rivals)} {_wins(rivals)} {how}"
        hint = "remove it, or give it what the others do not give"
        code = Code.NEVER_WINS

    def report(point: Mapping[int, int] | None) -> Finding:
        return analysis.finding(code, [number, *rivals], message, hint, point)

    if not analysis.report_with_witness([number], NOTHING, report):
        # The finding is proved for all facts. Only the example could not be made.
        analysis.findings.append(report(None))


def is_shadowed(analysis: StageAnalysis, number: int) -> bool:
    """Whether order alone takes everything from the rule. Otherwise severity or a conflict takes part."""
    contest = analysis.contest
    if contest.hit[number] is HitPolicy.FIRST:
        name = next(iter(contest.rules[number].then), "")
        if analysis.find([number], contest.stands(number, name)) is None:
            return True
    ordered = {HitPolicy.FIRST, HitPolicy.COLLECT}
    return contest.hit[number] in ordered and contest.stage.hit in ordered


def _rivals(analysis: StageAnalysis, number: int) -> list[int]:
    """Rules that together take everything from this rule. Rules that are easily found unnecessary are left out."""
    contest = analysis.contest
    meeting = analysis.view.meeting(number)
    demands = {name: contest.wins(number, name, among=meeting) for name in contest.rules[number].then}
    rivals = sorted({n for found in demands.values() for n in bits(found.losers & meeting)})
    for rival in rivals:
        if all(any(contains(o, b) for o in analysis.view.boxes[rival]) for b in analysis.view.boxes[number]) and all(
            found.avoid >> rival & 1 for found in demands.values()
        ):
            return [rival]
    if len(rivals) > MOST_REDUCED:
        return rivals
    for rival in list(rivals):
        fewer = [r for r in rivals if r != rival]
        if all(analysis.find([number], _among(found, fewer)) is None for found in demands.values()):
            rivals = fewer
    return rivals


def _among(demands: Demands, rivals: Sequence[int]) -> Demands:
    mask = mask_of(rivals)
    return Demands(demands.avoid & mask, tuple(u for u in demands.unless if mask >> u.loser & 1))


def _takes(rivals: Sequence[int]) -> str:
    return "takes it" if len(rivals) == 1 else "take it"


def _wins(rivals: Sequence[int]) -> str:
    return "wins" if len(rivals) == 1 else "win"
