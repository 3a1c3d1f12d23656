"""Rules that win and could be left out: wherever they decide, other rules would decide the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.findings.overlaps import overlaps
from answerby.workbench.proofs.space.policies import Contest, Demands, Outcome, bits, mask_of, members

KIND = "whether it could be left out"
Difference = tuple[list[int], Demands]
"""Rules that match, and demands: facts for which leaving the rule out changes what the stage's rules put out."""


def find_redundant(inquiry: Inquiry) -> None:
    def ask(number: int) -> None:
        if number in inquiry.dead or _sampled(inquiry, number) or overlaps(inquiry, number):
            return
        if any(inquiry.find(inside, demands) is not None for inside, demands in _differences(inquiry, number)):
            return
        rule = inquiry.rule(number)
        others = [
            n
            for n in inquiry.live()
            if n != number and inquiry.view.meeting(number) >> n & 1 and set(inquiry.rule(n).then) & set(rule.then)
        ]
        message = f"{rule.id} could be left out: wherever it decides, {inquiry.named(others)} would decide the same"

        def report(point: Mapping[int, int] | None) -> Finding:
            hint = "remove it, or correct what it gives"
            return inquiry.finding(Code.REDUNDANT_ROW, [number, *others], message, hint, point)

        if not any(inquiry.show([number], inquiry.contest.wins(number, name), report) for name in rule.then):
            # That nothing would change is proven for all facts; only the example could not be made.
            inquiry.findings.append(report(None))

    inquiry.each(KIND, inquiry.live(), ask)


def _sampled(inquiry: Inquiry, number: int) -> bool:
    """Whether a quick try shows a difference: where the rule wins, best where no other one says the same."""
    known = inquiry.won_at.get(number) or inquiry.point_of(number)
    return _differs_at(inquiry, number, known) or any(
        point is not None and _differs_at(inquiry, number, point) for point in _tries(inquiry, number)
    )


def _tries(inquiry: Inquiry, number: int) -> Iterator[dict[int, int] | None]:
    contest, then = inquiry.contest, inquiry.rule(number).then
    meeting = inquiry.view.meeting(number)
    alike = mask_of(n for n in bits(meeting) if n != number and contest.rules[n].then == then)
    for name in then:
        rivals = contest.wins(number, name, among=meeting).losers
        yield inquiry.view.sample(number, rivals | alike)


def _differs_at(inquiry: Inquiry, number: int, point: dict[int, int]) -> bool:
    contest = inquiry.contest
    matched = inquiry.view.matching(point)
    if number not in matched:
        return False
    before, after = (_given(contest, contest.settle(m)) for m in (matched, [n for n in matched if n != number]))
    return before != after


def _given(contest: Contest, outcome: Outcome) -> dict[str, object]:
    """What the rules put out, in a form that can be compared."""
    found: dict[str, object] = {name: contest.rules[n].then[name] for name, n in outcome.winner.items()}
    for name, numbers in outcome.united.items():
        found[name] = {item for n in numbers for item in members(contest.rules[n].then[name])}
    return found


def _differences(inquiry: Inquiry, number: int) -> Iterator[Difference]:
    contest, rule = inquiry.contest, inquiry.rule(number)
    mine = inquiry.view.meeting(number)
    for name, value in rule.then.items():
        if contest.is_united(name):
            for item in members(value):
                yield _lost_item(inquiry, number, name, item)
            continue
        wins = contest.wins(number, name, among=mine)
        yield [number], wins.also(contest.nobody(name, number, mine))
        for other in _meeting(inquiry, number, name):
            if contest.rules[other].then[name] != value:
                among = mine & inquiry.view.meeting(other)
                yield [number, other], wins.also(contest.wins(other, name, number, among))
    if contest.hit[number] is HitPolicy.FIRST:
        for other in contest.of_block[rule.block]:
            if other > number and mine >> other & 1:
                yield from _revealed(inquiry, number, other)


def _lost_item(inquiry: Inquiry, number: int, name: str, item: object) -> Difference:
    contest = inquiry.contest
    among = inquiry.view.meeting(number)
    others = contest.fail(_givers(inquiry, name, item), name, number, among)
    return [number], contest.stands(number, name, among=among).also(others)


def _revealed(inquiry: Inquiry, number: int, other: int) -> Iterator[Difference]:
    """The rule is the first of its block; without it a later one would be, and give something else."""
    contest = inquiry.contest
    mine, theirs = contest.rules[number].then, contest.rules[other].then
    if mine == theirs:
        return
    among = inquiry.view.meeting(number) & inquiry.view.meeting(other)
    for name, value in theirs.items():
        first = contest.stands(number, name, among=among)
        if contest.is_united(name):
            for item in members(value):
                if item not in members(mine.get(name, ())):
                    absent = contest.fail(_givers(inquiry, name, item), name, among=among)
                    yield [number, other], first.also(contest.stands(other, name, number, among), absent)
            continue
        wins = first.also(contest.wins(other, name, number, among))
        if name not in mine:
            yield [number, other], wins.also(contest.nobody(name, among=among))
        for third in _meeting(inquiry, other, name):
            if not among >> third & 1 or contest.rules[third].block == contest.rules[number].block:
                continue
            if contest.stage.hit is HitPolicy.UNIQUE:
                ended = first.also(contest.stands(other, name, number, among), contest.wins(third, name))
                yield [number, other, third], ended
            elif contest.rules[third].then[name] != value:
                yield [number, other, third], wins.also(contest.wins(third, name))


def _meeting(inquiry: Inquiry, number: int, name: str) -> list[int]:
    together = inquiry.view.meeting(number)
    return [n for n in inquiry.contest.ranked[name] if n != number and together >> n & 1]


def _givers(inquiry: Inquiry, name: str, item: object) -> int:
    """The rules (a bit each) that bring the item."""
    contest = inquiry.contest
    return mask_of(n for n in contest.setters.get(name, ()) if item in members(contest.rules[n].then[name]))
