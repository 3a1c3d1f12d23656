"""Two rules where one should be: overlaps under `unique`, and conflicts that only a tie-break settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.space.policies import NOTHING, Demands

FILE_PREFIX = "file:"
"""What the ids of blocks that are lists of rules begin with; all other blocks are tables."""
OVERLAP = "whether it overlaps another rule"
CONFLICT = "whether it conflicts with another rule"


def find_overlaps(inquiry: Inquiry) -> None:
    """Pairs that match together in a block, or set the same output in a stage, that is `unique`."""

    def ask(number: int) -> None:
        for other, name in _partners(inquiry, number):
            if other < number:
                continue
            demands = _both_stand(inquiry, number, other, name)

            def report(point: Mapping[int, int], other: int = other, name: str = name) -> Finding:
                one, two = inquiry.rule(number), inquiry.rule(other)
                what = (
                    f"both set {name}" if name else f"both match, and {one.block.removeprefix(FILE_PREFIX)} is unique"
                )
                safe = "neither counts; the safe side of the stage is taken"
                return inquiry.finding(
                    Code.OVERLAP,
                    [number, other],
                    f"{one.id} and {two.id} overlap: {what}, so that {safe}",
                    f"narrow one of them (the other is at {two.file}:{two.line}), or choose another hit policy",
                    point,
                    outputs=(name,) if name else tuple(sorted({*one.then, *two.then})),
                )

            if inquiry.settle(OVERLAP, number, [number, other], demands, report):
                inquiry.overlapping.add(number)
                return

    inquiry.each(OVERLAP, inquiry.live(), ask)


def overlaps(inquiry: Inquiry, number: int) -> bool:
    """Whether the rule overlaps any other one."""
    if number in inquiry.overlapping:
        return True
    for other, name in _partners(inquiry, number):
        demands = _both_stand(inquiry, number, other, name)
        if inquiry.find([number, other], demands) is not None:
            return True
    return False


def _both_stand(inquiry: Inquiry, number: int, other: int, name: str) -> Demands:
    """Both rules bring the output out of their blocks; nothing is demanded where no output is named."""
    contest = inquiry.contest
    return contest.stands(number, name).also(contest.stands(other, name)) if name else NOTHING


def _partners(inquiry: Inquiry, number: int) -> Iterator[tuple[int, str]]:
    """Rules that may overlap this one, with the output they compete for; none where all outputs are lost."""
    contest, meeting = inquiry.contest, inquiry.view.meeting(number)
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


def find_conflicts(inquiry: Inquiry) -> None:
    """Rules of the same rank that give one output different values, where nothing but their names decides."""

    def ask(number: int) -> None:
        for other, name in _rivals(inquiry, number):
            contest = inquiry.contest
            among = inquiry.view.meeting(number) & inquiry.view.meeting(other)
            demands = contest.wins(number, name, among=among).also(contest.wins(other, name, number, among))

            def report(point: Mapping[int, int], other: int = other, name: str = name) -> Finding:
                one, two = inquiry.rule(number), inquiry.rule(other)
                return inquiry.finding(
                    Code.CONFLICT,
                    [number, other],
                    f"{one.id} and {two.id} conflict over {name}: both match and have the same rank, so that the order"
                    f" of their names decides",
                    f"give one of them a lower rank, or narrow it (the other is at {two.file}:{two.line})",
                    point,
                    outputs=(name,),
                )

            if inquiry.settle(CONFLICT, number, [number, other], demands, report):
                return

    inquiry.each(CONFLICT, inquiry.live(), ask)


def _rivals(inquiry: Inquiry, number: int) -> Iterator[tuple[int, str]]:
    contest, meeting = inquiry.contest, inquiry.view.meeting(number)
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
            if not tied or other in inquiry.unreachable or not meeting >> other & 1 or rival.then[name] == value:
                continue
            same_block = rival.block == rule.block
            by_severity = severe or (same_block and contest.hit[number] is HitPolicy.MOST_SEVERE)
            mine, theirs = (contest.key(n, name, severe=by_severity) for n in (number, other))
            if mine < theirs and mine[0] == theirs[0]:
                yield other, name
