"""Rules that match and never count: shadowed by those before them, or always beaten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from answerby.rules.model.rulebook import HitPolicy
from answerby.rules.text.codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.space.boxes import contains
from answerby.workbench.proofs.space.policies import NOTHING, Demands, bits, mask_of

KIND = "whether it ever counts"
MOST_REDUCED = 40
"""Rivals of which the ones that matter are looked for."""


def find_dead(inquiry: Inquiry) -> None:
    _sample(inquiry)

    def ask(number: int) -> None:
        if number in inquiry.won_at:
            return
        contest = inquiry.contest
        for name in contest.rules[number].then:
            found = inquiry.find([number], contest.wins(number, name, among=inquiry.view.meeting(number)))
            if found is not None:
                inquiry.won_at[number] = inquiry.view.choose(found)
                return
        inquiry.dead.add(number)
        _report(inquiry, number)

    inquiry.each(KIND, inquiry.live(), ask)


def _sample(inquiry: Inquiry) -> None:
    """Notes points where rules win, as far as quick tries find any."""
    contest = inquiry.contest
    for number in inquiry.live():
        rivals = 0
        meeting = inquiry.view.meeting(number)
        for name in contest.rules[number].then:
            if number in inquiry.won_at:
                break
            rivals |= contest.wins(number, name, among=meeting).losers
            point = inquiry.view.sample(number, rivals)
            if point is not None:
                for winner in contest.settle(inquiry.view.matching(point)).won():
                    inquiry.won_at.setdefault(winner, point)


def _report(inquiry: Inquiry, number: int) -> None:
    rule, contest = inquiry.rule(number), inquiry.contest
    rivals = _rivals(inquiry, number)
    if is_shadowed(inquiry, number):
        message = f"{rule.id} is shadowed: whatever it matches, {inquiry.named(rivals)} {_takes(rivals)} first"
        hint = "remove it, or put it before them, or narrow them"
        code = Code.SHADOWED_RULE
    else:
        exclusive = HitPolicy.UNIQUE in {contest.hit[number], contest.stage.hit}
        how = ("or excludes it" if len(rivals) == 1 else "or exclude it") if exclusive else "by severity"
        message = f"{rule.id} never counts: wherever it matches, {inquiry.named(rivals)} {_wins(rivals)} {how}"
        hint = "remove it, or give it what the others do not give"
        code = Code.NEVER_WINS

    def report(point: Mapping[int, int] | None) -> Finding:
        return inquiry.finding(code, [number, *rivals], message, hint, point)

    if not inquiry.show([number], NOTHING, report):
        # That it never counts is proven for all facts; only the example could not be made.
        inquiry.findings.append(report(None))


def is_shadowed(inquiry: Inquiry, number: int) -> bool:
    """Whether order alone takes everything from the rule; else severity or a conflict has a part in it."""
    contest = inquiry.contest
    if contest.hit[number] is HitPolicy.FIRST:
        name = next(iter(contest.rules[number].then), "")
        if inquiry.find([number], contest.stands(number, name)) is None:
            return True
    ordered = {HitPolicy.FIRST, HitPolicy.COLLECT}
    return contest.hit[number] in ordered and contest.stage.hit in ordered


def _rivals(inquiry: Inquiry, number: int) -> list[int]:
    """The rules that take everything from this one; as few of them as are easily found."""
    contest = inquiry.contest
    meeting = inquiry.view.meeting(number)
    demands = {name: contest.wins(number, name, among=meeting) for name in contest.rules[number].then}
    rivals = sorted({n for found in demands.values() for n in bits(found.losers & meeting)})
    for rival in rivals:
        if all(any(contains(o, b) for o in inquiry.view.boxes[rival]) for b in inquiry.view.boxes[number]) and all(
            found.avoid >> rival & 1 for found in demands.values()
        ):
            return [rival]
    if len(rivals) > MOST_REDUCED:
        return rivals
    for rival in list(rivals):
        fewer = [r for r in rivals if r != rival]
        if all(inquiry.find([number], _among(found, fewer)) is None for found in demands.values()):
            rivals = fewer
    return rivals


def _among(demands: Demands, rivals: Sequence[int]) -> Demands:
    kept = mask_of(rivals)
    return Demands(demands.avoid & kept, tuple(u for u in demands.unless if kept >> u.loser & 1))


def _takes(rivals: Sequence[int]) -> str:
    return "takes it" if len(rivals) == 1 else "take it"


def _wins(rivals: Sequence[int]) -> str:
    return "wins" if len(rivals) == 1 else "win"
