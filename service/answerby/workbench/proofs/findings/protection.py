"""Protected rules: proof that what they give survives wherever they match.

Three things could take it away: other rules that match (by rank, block, hit policy or conflict), other rules that
cannot be evaluated, as they bring in the safe side of the stage, and a later stage that sets the same field. So the
facts here are right or wrong: a field may have a value that the vocabulary refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from answerby.rules.model.rulebook import HitPolicy, Output, Rule, Rulebook, RuleMode
from answerby.rules.model.vocabulary import Vocabulary
from answerby.rules.text.codes import Code
from answerby.rules.text.nodes import Place
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, meet
from answerby.workbench.proofs.space.budget import OverBudget
from answerby.workbench.proofs.space.cells import MISSING
from answerby.workbench.proofs.space.derived import in_deciding_order, outputs_for
from answerby.workbench.proofs.space.policies import NOTHING, Demands, bits, mask_of, members
from answerby.workbench.proofs.space.space import Space


def space_with_errors(rulebook: Rulebook) -> Space:
    """The space in which given values may be wrong and calendars may lack a year."""
    shaky = frozenset(name for name, calendar in rulebook.calendars.items() if calendar.years is not None)
    return Space([rulebook], wrong=refusable(rulebook.vocabulary), shaky=shaky)


def refusable(vocabulary: Vocabulary) -> frozenset[str]:
    """The fields of which a given value can be refused, and texts put together of such."""
    found = {
        name
        for name, field in vocabulary.fields.items()
        if not field.derived_by and field.window is None and not name.startswith(("event.", "request."))
    }
    return frozenset(found | {name for name, field in vocabulary.fields.items() if found.intersection(field.parts)})


def check_protected(inquiry: Inquiry, rulebook: Rulebook) -> None:
    """Every protected rule of the stage must be live, able to match, and keep its outputs."""
    for rule in inquiry.contest.stage.rules:
        if rule.protected and rule.mode is not RuleMode.LIVE:
            _refuse_unreached(inquiry, rule, "it is a shadow rule (`mode: shadow`), so it decides nothing")
    for number, rule in enumerate(inquiry.contest.rules):
        if not rule.protected:
            continue
        try:
            if inquiry.find([number]) is None:
                _refuse_unreached(inquiry, rule, "it can never match")
            else:
                _Guard(inquiry, number).check(rulebook)
        except OverBudget:
            message = "the proof takes too many combinations of facts"
            inquiry.findings.append(_not_protected(inquiry, number, [], "", message, None))


class _Guard:
    """The proof for one rule. Each question is whether there are facts for which an output is lost."""

    def __init__(self, inquiry: Inquiry, number: int) -> None:
        self._inquiry = inquiry
        self._contest = inquiry.contest
        self._number = number
        self._rule = inquiry.rule(number)
        self._near = inquiry.view.meeting(number)

    def check(self, rulebook: Rulebook) -> None:
        """Adds one finding at most."""
        for name, value in self._rule.then.items():
            if self._is_lost(name, value) or _set_later(self._inquiry, rulebook, self._number, name, value):
                return

    def _is_lost(self, name: str, value: Output) -> bool:
        on_error = self._contest.stage.on_error
        united = self._contest.is_united(name)
        keeps = name in on_error and self._keeps(name, value, on_error[name])
        saved = self._saving(name) if keeps else []
        if united:
            lost = any(self._lost_item(name, item, saved, keeps=keeps) for item in members(value))
        else:
            lost = self._lost_to_match(name, value, saved, keeps=keeps)
        if lost or keeps:
            return lost
        if name in on_error:
            return self._lost_to_conflict(name) or self._lost_to_failure(name, value)
        return not united and self._lost_in_unique_stage(name, value)

    # ---- the rules that match

    def _lost_to_match(self, name: str, value: Output, saved: Sequence[Box], *, keeps: bool) -> bool:
        contest = self._contest
        for rival in self._others(name):
            if contest.rules[rival].then[name] != value:
                out = [*saved, *(self._doubts(name, rival) if keeps else [])]
                why = f"{contest.rules[rival].id} takes {name} from it"
                if self._refuse([rival], name, why, [rival], contest.wins(rival, name), barred=out):
                    return True
        if contest.stage.default.get(name) == value:
            return False
        ways = list(bits(contest.in_its_way(self._number, name) & self._near))
        first = self._inquiry.named(ways) if ways else "another rule"
        out = [*saved, *(self._doubts(name, None) if keeps else [])]
        why = f"{first} may match before it, and then nothing sets {name}"
        return self._refuse(ways, name, why, [], contest.nobody(name, among=self._near), barred=out)

    def _lost_item(self, name: str, item: object, saved: Sequence[Box], *, keeps: bool) -> bool:
        contest = self._contest
        ways = list(bits(contest.in_its_way(self._number, name) & self._near))
        if not ways:
            return False
        givers = mask_of(n for n in contest.setters[name] if item in members(contest.rules[n].then[name]))
        demands = contest.fail(givers, name, among=self._near)
        why = f"{self._inquiry.named(ways)} may match before it, and then {name} lacks {_word(item)}"
        out = [*saved, *(self._doubts(name, None) if keeps else [])]
        if name not in contest.stage.default or item not in members(contest.stage.default[name]):
            return self._refuse(ways, name, why, [], demands, barred=out)
        others = [n for n in self._others(name) if not givers >> n & 1]
        return any(
            self._refuse(ways, name, why, [n], demands.also(contest.stands(n, name)), barred=out) for n in others
        )

    # ---- conflicts

    def _lost_to_conflict(self, name: str) -> bool:
        """Rules that exclude each other match besides, and the safe side of the stage replaces the output."""
        contest = self._contest
        becomes = f"and then {name} becomes {_word(contest.stage.on_error[name])}"
        for one, other in self._exclusive(name):
            why = f"{self._inquiry.named([one, other])} may conflict, {becomes}"
            if self._refuse([one, other], name, why, [one, other], NOTHING):
                return True
        if contest.stage.hit is not HitPolicy.UNIQUE or contest.is_united(name):
            return False
        return self._lost_in_pairs(name, becomes)

    def _lost_in_unique_stage(self, name: str, value: Output) -> bool:
        """Two rules bring the output out of their blocks, and neither counts."""
        contest = self._contest
        if contest.stage.hit is not HitPolicy.UNIQUE or contest.stage.default.get(name) == value:
            return False
        return self._lost_in_pairs(name, f"and then none of them sets {name}")

    def _lost_in_pairs(self, name: str, becomes: str) -> bool:
        contest = self._contest
        for one, other in combinations([n for n in contest.setters[name] if self._near >> n & 1], 2):
            if self._inquiry.view.meeting(one) >> other & 1:
                why = f"{self._inquiry.named([one, other])} may conflict, {becomes}"
                demands = contest.stands(one, name).also(contest.stands(other, name))
                if self._refuse([one, other], name, why, [one, other], demands):
                    return True
        return False

    def _exclusive(self, name: str) -> Iterator[tuple[int, int]]:
        """Pairs of one `unique` block that may match together beside this rule, and of which one sets the output."""
        contest = self._contest
        for block in contest.blocks:
            if block.hit is HitPolicy.UNIQUE:
                near = [n for n in contest.of_block[block.id] if self._near >> n & 1]
                for one, other in combinations(near, 2):
                    concerned = name in contest.rules[one].then or name in contest.rules[other].then
                    if concerned and self._inquiry.view.meeting(one) >> other & 1:
                        yield one, other

    # ---- rules that cannot be evaluated

    def _lost_to_failure(self, name: str, value: Output) -> bool:
        """A rule fails on a wrong fact and might have won, so that the stage's safe side replaces the output."""
        contest = self._contest
        becomes = f"and then {name} becomes {_word(contest.stage.on_error[name])}"
        for rival in [*contest.setters[name], *self._displacing(name)]:
            why = f"a wrong value may keep {contest.rules[rival].id} from an answer, {becomes}"
            for box in self._inquiry.view.space.failing(contest.rules[rival]) if rival != self._number else ():
                for inside, demands in self._doubted(name, value, rival):
                    if self._refuse([rival], name, why, inside, demands, box):
                        return True
        return False

    def _doubted(self, name: str, value: Output, rival: int) -> Iterator[tuple[list[int], Demands]]:
        """What the failure of the rival puts in doubt: any united output, no winner, or a winner that it might beat.

        One that does not set the output puts in doubt what would not have counted beside it in its block.
        """
        contest = self._contest
        if name not in contest.rules[rival].then:
            for winner in contest.setters[name]:
                counts = contest.is_united(name) or contest.rules[winner].then[name] == value
                if counts and contest.in_its_way(winner, name) >> rival & 1:
                    yield [winner], contest.wins(winner, name)
            return
        if contest.is_united(name):
            yield [], NOTHING
            return
        yield [], contest.nobody(name)
        for winner in contest.setters[name]:
            same = contest.rules[winner].then[name] == value
            if same and winner != rival and self._might_win(rival, winner, name):
                yield [winner], contest.wins(winner, name)

    def _doubts(self, name: str, winner: int | None) -> list[Box]:
        """Where a rule that fails puts the winner (None: that nobody wins) in doubt, which the safe side settles."""
        contest = self._contest
        any_counts = winner is None or contest.is_united(name)
        rivals = [
            n
            for n in contest.setters[name]
            if n not in {self._number, winner} and (any_counts or self._might_win(n, winner or 0, name))
        ]
        failing = self._inquiry.view.space.failing
        boxes = [box for n in rivals for box in failing(contest.rules[n])]
        for number in self._displacing(name):
            if winner is not None:
                displaces = contest.in_its_way(winner, name) >> number & 1
                boxes += failing(contest.rules[number]) if displaces and number != self._number else []
        return boxes

    def _displacing(self, name: str) -> list[int]:
        """The rules that do not set the output and, matching, keep rules of their block that do from counting."""
        contest = self._contest
        ways = 0
        for number in contest.setters[name]:
            ways |= contest.in_its_way(number, name)
        return [n for n in bits(ways) if name not in contest.rules[n].then]

    def _might_win(self, failed: int, winner: int, name: str) -> bool:
        """Whether the engine would doubt the winner, were the other rule not evaluated."""
        contest = self._contest
        one, two = contest.rules[failed], contest.rules[winner]
        if one.then[name] == two.then[name] and HitPolicy.UNIQUE not in {contest.stage.hit, contest.hit[failed]}:
            return False
        rivals = one.block == two.block and contest.hit[failed] is not HitPolicy.COLLECT
        hit = contest.hit[failed] if rivals else contest.stage.hit
        if hit is HitPolicy.UNIQUE:
            return True
        severe = hit is HitPolicy.MOST_SEVERE
        return contest.key(failed, name, severe=severe) < contest.key(winner, name, severe=severe)

    # ---- all of them

    def _saving(self, name: str) -> list[Box]:
        """Where a conflict brings in the safe side, which says what the rule says."""
        boxes = self._inquiry.view.boxes
        return [
            both
            for one, other in self._exclusive(name)
            for a in boxes[one]
            for b in boxes[other]
            if (both := meet(a, b)) is not None
        ]

    def _others(self, name: str) -> list[int]:
        ranked = self._contest.ranked.get(name) or self._contest.setters[name]
        return [n for n in ranked if n != self._number and self._near >> n & 1]

    def _keeps(self, name: str, value: Output, safe: Output) -> bool:
        """Whether the safe side says what the rule says."""
        if self._contest.is_united(name):
            return set(members(value)) <= set(members(safe))
        return safe == value

    def _refuse(
        self,
        rivals: Sequence[int],
        name: str,
        why: str,
        inside: Sequence[int],
        demands: Demands,
        region: Box = EVERYTHING,
        barred: Sequence[Box] = (),
    ) -> bool:
        """Adds a finding if there are such facts."""
        inquiry, inside = self._inquiry, [self._number, *(n for n in inside if n != self._number)]

        def report(point: Mapping[int, int] | None) -> Finding:
            return _not_protected(inquiry, self._number, [r for r in rivals if r != self._number], name, why, point)

        if inquiry.find(inside, demands, region, barred) is None:
            return False
        if not inquiry.show(inside, demands, report, region, barred):
            # No request was made of the counter-example, but nothing proves that there is none.
            inquiry.findings.append(report(None))
        return True


# ---- later stages


def _set_later(inquiry: Inquiry, rulebook: Rulebook, number: int, name: str, value: Output) -> bool:
    """A later stage that sets the same single field replaces it."""
    vocabulary = inquiry.view.space.vocabulary
    if name not in vocabulary or inquiry.contest.is_united(name):
        return False
    order = in_deciding_order(rulebook)
    here = [stage.name for stage in order].index(inquiry.contest.stage.name)
    for stage in order[here + 1 :]:
        if stage.name in vocabulary[name].derived_by and any(v != value for v in outputs_for(stage, name)):
            why = f"the stage {stage.name} sets {name} again"
            inquiry.findings.append(_not_protected(inquiry, number, [], name, why, inquiry.point_of(number)))
            return True
    return False


# ---- telling


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


def _word(value: object) -> str:
    return str(getattr(value, "roles", value)) if value is not None else str(MISSING)
