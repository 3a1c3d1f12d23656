"""Rules that win and could be left out: wherever they decide, other rules would decide the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.overlaps import overlaps
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.hit_policies import Contest, Demands, Outcome, bits, mask_of, members

KIND = "whether it could be left out"
Difference = tuple[list[int], Demands]
"""Rules that match, and demands on the others, such that the stage decides otherwise without the rule."""


def find_redundant(analysis: StageAnalysis) -> None:
    def ask(number: int) -> None:
        if number in analysis.dead or _sampled(analysis, number) or overlaps(analysis, number):
            return
        if any(analysis.find(inside, demands) is not None for inside, demands in _differences(analysis, number)):
            return
        rule = analysis.rule(number)
        others = [
            n
            for n in analysis.live()
            if n != number and analysis.view.meeting(number) >> n & 1 and set(analysis.rule(n).then) & set(rule.then)
        ]
        message = f"{rule.id} could be left out: wherever it decides, {analysis.names_of(others)} would decide the same"

        def report(point: Mapping[int, int] | None) -> Finding:
            hint = "remove it, or correct what it gives"
            return analysis.finding(Code.REDUNDANT_ROW, [number, *others], message, hint, point)

        if not any(
            analysis.report_with_witness([number], analysis.contest.wins(number, name), report) for name in rule.then
        ):
            # The finding is proved for all facts. Only the example could not be made.
            analysis.findings.append(report(None))

    analysis.ask_each(KIND, analysis.live(), ask)


def _sampled(analysis: StageAnalysis, number: int) -> bool:
    """Whether a quick try shows a difference where the rule wins.

    It prefers points where no other rule says the same.
    """
    known = analysis.won_at.get(number) or analysis.point_of(number)
    return _differs_at(analysis, number, known) or any(
        point is not None and _differs_at(analysis, number, point) for point in _tries(analysis, number)
    )


def _tries(analysis: StageAnalysis, number: int) -> Iterator[dict[int, int] | None]:
    contest, then = analysis.contest, analysis.rule(number).then
    meeting = analysis.view.meeting(number)
    alike = mask_of(n for n in bits(meeting) if n != number and contest.rules[n].then == then)
    for name in then:
        rivals = contest.wins(number, name, among=meeting).losers
        yield analysis.view.sample(number, rivals | alike)


def _differs_at(analysis: StageAnalysis, number: int, point: dict[int, int]) -> bool:
    contest = analysis.contest
    matched = analysis.view.matching(point)
    if number not in matched:
        return False
    before, after = (_given(contest, contest.settle(m)) for m in (matched, [n for n in matched if n != number]))
    return before != after


def _given(contest: Contest, outcome: Outcome) -> dict[str, object]:
    """The outputs of the rules in a comparable form."""
    found: dict[str, object] = {name: contest.rules[n].then[name] for name, n in outcome.winner.items()}
    for name, numbers in outcome.united.items():
        found[name] = {item for n in numbers for item in members(contest.rules[n].then[name])}
    return found


def _differences(analysis: StageAnalysis, number: int) -> Iterator[Difference]:
    contest, rule = analysis.contest, analysis.rule(number)
    mine = analysis.view.meeting(number)
    for name, value in rule.then.items():
        if contest.is_united(name):
            for item in members(value):
                yield _lost_item(analysis, number, name, item)
            continue
        wins = contest.wins(number, name, among=mine)
        yield [number], wins.also(contest.nobody(name, number, mine))
        for other in _meeting(analysis, number, name):
            if contest.rules[other].then[name] != value:
                among = mine & analysis.view.meeting(other)
                yield [number, other], wins.also(contest.wins(other, name, number, among))
    if contest.hit[number] is HitPolicy.FIRST:
        for other in contest.of_block[rule.block]:
            if other > number and mine >> other & 1:
                yield from _revealed(analysis, number, other)


def _lost_item(analysis: StageAnalysis, number: int, name: str, item: object) -> Difference:
    contest = analysis.contest
    among = analysis.view.meeting(number)
    others = contest.fail(_givers(analysis, name, item), name, number, among)
    return [number], contest.stands(number, name, among=among).also(others)


def _revealed(analysis: StageAnalysis, number: int, other: int) -> Iterator[Difference]:
    """Differences of a rule that is the first of its block: a later rule of the block would take its place."""
    contest = analysis.contest
    mine, theirs = contest.rules[number].then, contest.rules[other].then
    if mine == theirs:
        return
    among = analysis.view.meeting(number) & analysis.view.meeting(other)
    for name, value in theirs.items():
        first = contest.stands(number, name, among=among)
        if contest.is_united(name):
            for item in members(value):
                if item not in members(mine.get(name, ())):
                    absent = contest.fail(_givers(analysis, name, item), name, among=among)
                    yield [number, other], first.also(contest.stands(other, name, number, among), absent)
            continue
        wins = first.also(contest.wins(other, name, number, among))
        if name not in mine:
            yield [number, other], wins.also(contest.nobody(name, among=among))
        for third in _meeting(analysis, other, name):
            if not among >> third & 1 or contest.rules[third].block == contest.rules[number].block:
                continue
            if contest.stage.hit is HitPolicy.UNIQUE:
                ended = first.also(contest.stands(other, name, number, among), contest.wins(third, name))
                yield [number, other, third], ended
            elif contest.rules[third].then[name] != value:
                yield [number, other, third], wins.also(contest.wins(third, name))


def _meeting(analysis: StageAnalysis, number: int, name: str) -> list[int]:
    together = analysis.view.meeting(number)
    return [n for n in analysis.contest.ranked[name] if n != number and together >> n & 1]


def _givers(analysis: StageAnalysis, name: str, item: object) -> int:
    """The rules that give the item, as a mask."""
    contest = analysis.contest
    return mask_of(n for n in contest.setters.get(name, ()) if item in members(contest.rules[n].then[name]))
