"""Protected rules: proof that what they give survives wherever they match.

Three things could take it away: other rules that match (by rank, block, hit policy or conflict), other rules that
cannot be evaluated, as they bring in the safe side of the stage, and a later stage that sets the same field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.rules.analysis.boxes import EVERYTHING, Box, disjoint, meet
from service.rules.analysis.budget import OverBudget
from service.rules.analysis.cells import MISSING
from service.rules.analysis.derived import derivers, in_deciding_order, outputs_for
from service.rules.analysis.finding import Finding
from service.rules.analysis.inquiry import Inquiry
from service.rules.analysis.kleene import failing, refusable
from service.rules.analysis.policies import NOTHING, Demands, bits, mask_of, members
from service.rules.analysis.space import TooManyBoxes
from service.rules.codes import Code
from service.rules.condition import atoms
from service.rules.model import HitPolicy, Output, Rule, Rulebook, RuleMode
from service.rules.nodes import Place

KIND = "whether what it gives is safe"


def check_protected(inquiry: Inquiry, rulebook: Rulebook) -> None:
    """Every protected rule of the stage must be live, able to match, and keep its outputs."""
    for rule in inquiry.contest.stage.rules:
        if rule.protected and rule.mode is not RuleMode.LIVE:
            _refuse_unreached(inquiry, rule, "it is on trial (`mode: shadow`), so that it decides nothing")
    for number, rule in enumerate(inquiry.contest.rules):
        if not rule.protected:
            continue
        if number in inquiry.unreachable:
            _refuse_unreached(inquiry, rule, "it can never match")
            continue
        try:
            _check(inquiry, rulebook, number)
        except (OverBudget, TooManyBoxes):
            message = "the proof takes too many combinations of facts"
            inquiry.findings.append(_not_protected(inquiry, number, [], "", message, None))


def _check(inquiry: Inquiry, rulebook: Rulebook, number: int) -> None:
    for name, value in inquiry.rule(number).then.items():
        if (
            _taken_by_match(inquiry, number, name, value)
            or _taken_by_conflict(inquiry, number, name, value)
            or _taken_by_failure(inquiry, rulebook, number, name, value)
            or _taken_later(inquiry, rulebook, number, name, value)
        ):
            return


# ---- other rules that match


def _taken_by_match(inquiry: Inquiry, number: int, name: str, value: Output) -> bool:
    contest = inquiry.contest
    if contest.is_united(name):
        return any(_lost(inquiry, number, name, item) for item in members(value))
    meeting = inquiry.view.meeting(number)
    for rival in contest.ranked[name]:
        if rival == number or not meeting >> rival & 1 or contest.rules[rival].then[name] == value:
            continue
        demands = contest.wins(rival, name)
        found = inquiry.find([number, rival], demands)
        if found is not None:
            why = f"{contest.rules[rival].id} takes {name} from it"
            return _refuse(inquiry, number, [rival], name, why, [number, rival], demands)
    if contest.stage.default.get(name) == value:
        return False
    nobody = contest.nobody(name, among=meeting)
    if inquiry.find([number], nobody) is not None:
        ways = list(bits(contest.in_its_way(number, name) & meeting))
        why = f"{inquiry.named(ways)} may match before it, and then nothing sets {name}"
        return _refuse(inquiry, number, ways, name, why, [number], nobody)
    return False


def _lost(inquiry: Inquiry, number: int, name: str, item: object) -> bool:
    contest = inquiry.contest
    ways = contest.in_its_way(number, name)
    if not ways:
        return False
    givers = mask_of(n for n in contest.setters[name] if item in members(contest.rules[n].then[name]))
    demands = contest.fail(givers, name)
    if inquiry.find([number], demands) is None:
        return False
    near = list(bits(ways & inquiry.view.meeting(number)))
    why = f"{inquiry.named(near)} may match before it, and then {name} lacks {_word(item)}"
    return _refuse(inquiry, number, near, name, why, [number], demands)


def _taken_by_conflict(inquiry: Inquiry, number: int, name: str, value: Output) -> bool:
    """Rules that exclude each other match besides, and the safe side of the stage replaces the output."""
    contest = inquiry.contest
    safe = contest.stage.on_error.get(name)
    if name not in contest.stage.on_error or _keeps(inquiry, name, value, safe):
        return False
    meeting = inquiry.view.meeting(number)
    for block in contest.blocks:
        if block.hit is not HitPolicy.UNIQUE:
            continue
        near = [n for n in contest.of_block[block.id] if meeting >> n & 1 or n == number]
        for i, one in enumerate(near):
            for other in near[i + 1 :]:
                both = {*contest.rules[one].then, *contest.rules[other].then}
                together = inquiry.view.meeting(one) >> other & 1
                if name in both and together and inquiry.find([number, one, other]) is not None:
                    why = f"{inquiry.named([one, other])} may conflict, and then {name} becomes {_word(safe)}"
                    return _refuse(inquiry, number, [one, other], name, why, [number, one, other], NOTHING)
    if contest.stage.hit is HitPolicy.UNIQUE and not contest.is_united(name):
        near = [n for n in contest.setters[name] if meeting >> n & 1 or n == number]
        for i, one in enumerate(near):
            for other in near[i + 1 :]:
                demands = contest.stands(one, name).also(contest.stands(other, name))
                if inquiry.find([number, one, other], demands) is not None:
                    why = f"{inquiry.named([one, other])} may conflict, and then {name} becomes {_word(safe)}"
                    return _refuse(inquiry, number, [one, other], name, why, [number, one, other], demands)
    return False


# ---- other rules that cannot be evaluated


def _taken_by_failure(inquiry: Inquiry, rulebook: Rulebook, number: int, name: str, value: Output) -> bool:
    """Another rule fails on a fact in error and might have won, so that the stage's safe side replaces the output."""
    contest = inquiry.contest
    safe = contest.stage.on_error.get(name)
    if name not in contest.stage.on_error or _keeps(inquiry, name, value, safe):
        return False
    wrong = refusable(inquiry.view.space.vocabulary)
    shaky = frozenset(name for name, calendar in rulebook.calendars.items() if calendar.years is not None)
    rivals = [n for n in contest.setters[name] if n != number and _might_win(inquiry, n, number, name)]
    for box in inquiry.view.boxes[number]:
        fields = {inquiry.view.space.dimensions[d].field for d, _ in box}
        errors = _independent(inquiry, wrong, fields)
        for rival in rivals:
            for where in failing(inquiry.view.space, contest.rules[rival].when, errors, shaky):
                both = meet(where, meet(box, inquiry.view.space.period(contest.rules[rival])) or box)
                if both is None or disjoint(box, inquiry.view.space.period(contest.rules[rival])):
                    continue
                if inquiry.find([number], NOTHING, both) is None:
                    continue
                touched = sorted(_causes(inquiry, contest.rules[rival], errors))
                what = f"a wrong value of {touched[0]}" if touched else "a calendar that lacks the year"
                why = f"{what} keeps {contest.rules[rival].id} from an answer, and then {name} becomes {_word(safe)}"
                found = inquiry.find([number], NOTHING, both)
                assert found is not None
                finding = _not_protected(inquiry, number, [rival], name, why, inquiry.view.choose(found))
                assert finding.witness is not None
                wrong = frozenset(touched)
                inquiry.findings.append(replace(finding, witness=replace(finding.witness, wrong=wrong)))
                return True
    return False


def _independent(inquiry: Inquiry, wrong: frozenset[str], fields: set[str]) -> frozenset[str]:
    """The fields that may be in error while the rule matches by what it knows of `fields`."""
    vocabulary = inquiry.view.space.vocabulary
    parts = {part for name in fields if name in vocabulary for part in vocabulary[name].parts}
    return frozenset(wrong - fields - parts)


def _causes(inquiry: Inquiry, rule: Rule, errors: frozenset[str]) -> set[str]:
    """The given fields of which a wrong value makes the rule fail."""
    vocabulary = inquiry.view.space.vocabulary
    asked = {atom.field for atom in atoms(rule.when)} & errors
    return {part for name in asked for part in (vocabulary[name].parts or (name,)) if part in errors}


def _might_win(inquiry: Inquiry, failed: int, winner: int, name: str) -> bool:
    """Whether the engine would doubt the winner, were the other rule not evaluated."""
    contest = inquiry.contest
    if contest.is_united(name):
        return True
    one, two = contest.rules[failed], contest.rules[winner]
    if one.then[name] == two.then[name] and HitPolicy.UNIQUE not in {contest.stage.hit, contest.hit[failed]}:
        return False
    rivals = one.block == two.block and contest.hit[failed] is not HitPolicy.COLLECT
    hit = contest.hit[failed] if rivals else contest.stage.hit
    if hit is HitPolicy.UNIQUE:
        return True
    severe = hit is HitPolicy.MOST_SEVERE
    return contest.key(failed, name, severe=severe) < contest.key(winner, name, severe=severe)


# ---- later stages


def _taken_later(inquiry: Inquiry, rulebook: Rulebook, number: int, name: str, value: Output) -> bool:
    """A later stage that sets the same single field replaces it."""
    vocabulary = inquiry.view.space.vocabulary
    if name not in vocabulary or inquiry.contest.is_united(name):
        return False
    order = in_deciding_order(rulebook)
    here = [stage.name for stage in order].index(inquiry.contest.stage.name)
    for stage in order[here + 1 :]:
        if stage.name in derivers(vocabulary[name]) and any(v != value for v in outputs_for(stage, name)):
            why = f"the stage {stage.name} sets {name} again"
            inquiry.findings.append(_not_protected(inquiry, number, [], name, why, inquiry.point_of(number)))
            return True
    return False


# ---- telling


def _refuse(
    inquiry: Inquiry,
    number: int,
    rivals: Sequence[int],
    name: str,
    why: str,
    inside: Sequence[int],
    demands: Demands,
    region: Box = EVERYTHING,
) -> bool:
    def report(point: Mapping[int, int]) -> Finding:
        return _not_protected(inquiry, number, rivals, name, why, point)

    before = len(inquiry.findings)
    if inquiry.settle(KIND, number, inside, demands, report, region) and len(inquiry.findings) == before:
        # No request was made of the counter-example, but nothing proves that there is none.
        found = inquiry.find(inside, demands, region)
        point = None if found is None else inquiry.view.choose(found)
        inquiry.findings.append(_not_protected(inquiry, number, rivals, name, why, point))
    return True


def _not_protected(
    inquiry: Inquiry, number: int, rivals: Sequence[int], name: str, why: str, point: Mapping[int, int] | None
) -> Finding:
    rule = inquiry.rule(number)
    return inquiry.finding(
        Code.NOT_PROTECTED,
        [number, *rivals],
        f"{rule.id} is protected, but {why}",
        "give it the lowest rank, or narrow the other rules",
        point,
        outputs=(name,) if name else (),
    )


def _refuse_unreached(inquiry: Inquiry, rule: Rule, why: str) -> None:
    inquiry.findings.append(
        Finding(
            Code.NOT_PROTECTED,
            inquiry.contest.stage.name,
            (rule.id,),
            Place(rule.file, rule.line, 1),
            f"{rule.id} is protected, but {why}",
            "make it match and live, or take `protected` away",
        )
    )


def _keeps(inquiry: Inquiry, name: str, value: Output, safe: Output) -> bool:
    """Whether the safe side says what the rule says."""
    if inquiry.contest.is_united(name):
        return set(members(value)) <= set(members(safe))
    return safe == value


def _word(value: object) -> str:
    return str(getattr(value, "roles", value)) if value is not None else str(MISSING)
