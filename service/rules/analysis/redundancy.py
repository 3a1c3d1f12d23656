"""Rules that win and could be left out: wherever they decide, other rules would decide the same."""

from __future__ import annotations

from collections.abc import Iterator

from service.rules.analysis.inquiry import Inquiry
from service.rules.analysis.overlaps import overlaps
from service.rules.analysis.policies import Unless, members
from service.rules.codes import Code
from service.rules.model import HitPolicy

KIND = "whether it could be left out"
Difference = tuple[list[int], list[Unless]]
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
        finding = inquiry.finding(
            Code.REDUNDANT_ROW,
            [number, *others],
            message,
            "remove it, or correct what it gives",
            _point(inquiry, number),
        )
        if not inquiry.confirmed(finding):
            inquiry.findings.append(
                inquiry.finding(Code.REDUNDANT_ROW, [number, *others], message, "remove it, or correct what it gives")
            )

    inquiry.each(KIND, inquiry.live(), ask)


def _point(inquiry: Inquiry, number: int) -> dict[int, int]:
    """Some point where the rule wins."""
    for name in inquiry.rule(number).then:
        found = inquiry.find([number], inquiry.contest.wins(number, name))
        if found is not None:
            return inquiry.view.choose(found)
    return inquiry.point_of(number)


def _sampled(inquiry: Inquiry, number: int) -> bool:
    """Whether a quick try shows a difference."""
    matched = inquiry.view.matching(inquiry.point_of(number))
    if number not in matched:
        return False
    contest = inquiry.contest
    before, after = contest.settle(matched), contest.settle([n for n in matched if n != number])
    if before.conflicts or after.conflicts:
        return False
    names = {*before.winner, *after.winner}
    return any(
        (name in before.winner) != (name in after.winner)
        or (contest.rules[before.winner[name]].then[name] != contest.rules[after.winner[name]].then[name])
        for name in names
    )


def _differences(inquiry: Inquiry, number: int) -> Iterator[Difference]:
    contest, rule = inquiry.contest, inquiry.rule(number)
    for name, value in rule.then.items():
        if contest.is_united(name):
            for item in members(value):
                yield _lost_item(inquiry, number, name, item)
            continue
        wins = contest.wins(number, name)
        yield [number], [*wins, *contest.nobody(name, without=number)]
        for other in _meeting(inquiry, number, name):
            if contest.rules[other].then[name] != value:
                yield [number, other], [*wins, *contest.wins(other, name, without=number)]
    if contest.hit[number] is HitPolicy.FIRST:
        for other in contest.of_block[rule.block]:
            if other > number and inquiry.view.meeting(number) >> other & 1:
                yield from _revealed(inquiry, number, other)


def _lost_item(inquiry: Inquiry, number: int, name: str, item: object) -> Difference:
    contest = inquiry.contest
    fails = [contest.fails(n, name, without=number) for n in _givers(inquiry, name, item) if n != number]
    return [number], [*contest.stands(number, name), *fails]


def _revealed(inquiry: Inquiry, number: int, other: int) -> Iterator[Difference]:
    """The rule is the first of its block; without it a later one would be, and give something else."""
    contest = inquiry.contest
    mine, theirs = contest.rules[number].then, contest.rules[other].then
    for name, value in theirs.items():
        stands = [*contest.stands(number, name), *contest.stands(other, name, without=number)]
        if contest.is_united(name):
            for item in members(value):
                if item not in members(mine.get(name, ())):
                    yield [number, other], [*stands, *(contest.fails(n, name) for n in _givers(inquiry, name, item))]
        else:
            wins = [*contest.stands(number, name), *contest.wins(other, name, without=number)]
            if name not in mine:
                yield [number, other], [*wins, *contest.nobody(name)]
            for third in _meeting(inquiry, other, name):
                if third == number:
                    continue
                if contest.stage.hit is HitPolicy.UNIQUE:
                    yield [number, other, third], [*stands, *contest.wins(third, name)]
                elif contest.rules[third].then[name] != value:
                    yield [number, other, third], [*wins, *contest.wins(third, name)]


def _meeting(inquiry: Inquiry, number: int, name: str) -> list[int]:
    together = inquiry.view.meeting(number)
    return [n for n in inquiry.contest.ranked[name] if n != number and together >> n & 1]


def _givers(inquiry: Inquiry, name: str, item: object) -> list[int]:
    contest = inquiry.contest
    return [n for n in contest.setters.get(name, ()) if item in members(contest.rules[n].then[name])]
