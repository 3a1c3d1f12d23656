"""The proof that one protected rule keeps its outputs wherever it matches.

Three things can take an output away:

* another rule that matches, by rank, block, hit policy or conflict;
* another rule that cannot be evaluated, because the stage then takes its safe side;
* a later stage that sets the same field, or a step of a ladder that gives the request to another.

A ladder's raise of the priority takes nothing away: the priority only becomes more severe.

So the facts of the proof may be wrong: a field may have a value that the vocabulary refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from answerby.rules.model.rulebook import HitPolicy, Output, Rulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, intersection
from answerby.workbench.proofs.space.cells import MISSING
from answerby.workbench.proofs.space.derived_facts import in_deciding_order
from answerby.workbench.proofs.space.hit_policies import NOTHING, Demands, bits, mask_of, members
from answerby.workbench.proofs.space.ladder_gifts import outputs_for, reassigning_ladders


class ProtectionProof:
    """The proof for one rule. Each question is whether some facts make the rule lose an output."""

    def __init__(self, analysis: StageAnalysis, number: int) -> None:
        self._analysis = analysis
        self._contest = analysis.contest
        self._number = number
        self._rule = analysis.rule(number)
        self._near = analysis.view.meeting(number)

    def check(self, rulebook: Rulebook) -> None:
        """Adds a finding for the first output that can be lost."""
        for name, value in self._rule.then.items():
            if self._is_lost(name, value) or _set_later(self._analysis, rulebook, self._number, name, value):
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

    # ---- other rules match

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
        first = self._analysis.names_of(ways) if ways else "another rule"
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
        why = f"{self._analysis.names_of(ways)} may match before it, and then {name} lacks {_word(item)}"
        out = [*saved, *(self._doubts(name, None) if keeps else [])]
        if name not in contest.stage.default or item not in members(contest.stage.default[name]):
            return self._refuse(ways, name, why, [], demands, barred=out)
        others = [n for n in self._others(name) if not givers >> n & 1]
        return any(
            self._refuse(ways, name, why, [n], demands.also(contest.stands(n, name)), barred=out) for n in others
        )

    # ---- conflicts

    def _lost_to_conflict(self, name: str) -> bool:
        """Rules that exclude each other match too, and the safe side of the stage replaces the output."""
        contest = self._contest
        becomes = f"and then {name} becomes {_word(contest.stage.on_error[name])}"
        for one, other in self._exclusive(name):
            why = f"{self._analysis.names_of([one, other])} may conflict, {becomes}"
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
            if self._analysis.view.meeting(one) >> other & 1:
                why = f"{self._analysis.names_of([one, other])} may conflict, {becomes}"
                demands = contest.stands(one, name).also(contest.stands(other, name))
                if self._refuse([one, other], name, why, [one, other], demands):
                    return True
        return False

    def _exclusive(self, name: str) -> Iterator[tuple[int, int]]:
        """Pairs of a `unique` block that may match together with this rule. One of the two sets the output."""
        contest = self._contest
        for block in contest.blocks:
            if block.hit is HitPolicy.UNIQUE:
                near = [n for n in contest.of_block[block.id] if self._near >> n & 1]
                for one, other in combinations(near, 2):
                    concerned = name in contest.rules[one].then or name in contest.rules[other].then
                    if concerned and self._analysis.view.meeting(one) >> other & 1:
                        yield one, other

    # ---- other rules cannot be evaluated

    def _lost_to_failure(self, name: str, value: Output) -> bool:
        """A rule fails on a wrong fact and might have won, so the safe side of the stage replaces the output."""
        contest = self._contest
        becomes = f"and then {name} becomes {_word(contest.stage.on_error[name])}"
        for rival in [*contest.setters[name], *self._displacing(name)]:
            why = f"a wrong value may keep {contest.rules[rival].id} from an answer, {becomes}"
            for box in self._analysis.view.space.failing(contest.rules[rival]) if rival != self._number else ():
                for inside, demands in self._doubted(name, value, rival):
                    if self._refuse([rival], name, why, inside, demands, box):
                        return True
        return False

    def _doubted(self, name: str, value: Output, rival: int) -> Iterator[tuple[list[int], Demands]]:
        """The results that a failure of the rival puts in doubt, as matching rules and demands on the others.

        A rival that sets the output puts in doubt any united output, the lack of a winner, and every winner it might
        beat. A rival that does not set it puts in doubt the rules of its block that it would have kept from counting.
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
        """Where the failure of a rule puts the winner in doubt, so that the safe side replaces it. None.

        No rule wins.
        """
        contest = self._contest
        any_counts = winner is None or contest.is_united(name)
        rivals = [
            n
            for n in contest.setters[name]
            if n not in {self._number, winner} and (any_counts or self._might_win(n, winner or 0, name))
        ]
        failing = self._analysis.view.space.failing
        boxes = [box for n in rivals for box in failing(contest.rules[n])]
        for number in self._displacing(name):
            if winner is not None:
                displaces = contest.in_its_way(winner, name) >> number & 1
                boxes += failing(contest.rules[number]) if displaces and number != self._number else []
        return boxes

    def _displacing(self, name: str) -> list[int]:
        """The rules that do not set the output, but keep rules of their block that set it from counting."""
        contest = self._contest
        ways = 0
        for number in contest.setters[name]:
            ways |= contest.in_its_way(number, name)
        return [n for n in bits(ways) if name not in contest.rules[n].then]

    def _might_win(self, failed: int, winner: int, name: str) -> bool:
        """Whether the engine doubts the winner when the other rule fails."""
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

    # ---- common to all

    def _saving(self, name: str) -> list[Box]:
        """Where a conflict brings in a safe side with the value of the rule."""
        boxes = self._analysis.view.boxes
        return [
            both
            for one, other in self._exclusive(name)
            for a in boxes[one]
            for b in boxes[other]
            if (both := intersection(a, b)) is not None
        ]

    def _others(self, name: str) -> list[int]:
        ranked = self._contest.ranked.get(name) or self._contest.setters[name]
        return [n for n in ranked if n != self._number and self._near >> n & 1]

    def _keeps(self, name: str, value: Output, safe: Output) -> bool:
        """Whether the safe side has the value of the rule."""
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
        """Adds a finding if there are such facts. Raises OverBudget."""
        analysis, inside = self._analysis, [self._number, *(n for n in inside if n != self._number)]

        def report(point: Mapping[int, int] | None) -> Finding:
            return not_protected(analysis, self._number, [r for r in rivals if r != self._number], name, why, point)

        if analysis.find(inside, demands, region, barred) is None:
            return False
        if not analysis.report_with_witness(inside, demands, report, region, barred):
            # The counter-example could not be made into a request, but nothing proves that none exists.
            analysis.findings.append(report(None))
        return True


def _set_later(analysis: StageAnalysis, rulebook: Rulebook, number: int, name: str, value: Output) -> bool:
    """Whether a later stage or a ladder can replace the single value. Adds the finding if so."""
    vocabulary = analysis.view.space.vocabulary
    if name not in vocabulary or analysis.contest.is_united(name):
        return False
    for ladder, taken in reassigning_ladders(rulebook, name):
        if taken != value:
            why = f"a step of ladder {ladder} gives the request to the {name} {taken}"
            analysis.findings.append(not_protected(analysis, number, [], name, why, analysis.point_of(number)))
            return True
    order = in_deciding_order(rulebook)
    here = [stage.name for stage in order].index(analysis.contest.stage.name)
    for stage in order[here + 1 :]:
        if stage.name in vocabulary[name].derived_by and any(v != value for v in outputs_for(stage, name)):
            why = f"the stage {stage.name} sets {name} again"
            analysis.findings.append(not_protected(analysis, number, [], name, why, analysis.point_of(number)))
            return True
    return False


def not_protected(
    analysis: StageAnalysis, number: int, rivals: Sequence[int], name: str, why: str, point: Mapping[int, int] | None
) -> Finding:
    rule = analysis.rule(number)
    return analysis.finding(
        Code.NOT_PROTECTED,
        [number, *rivals],
        f"{rule.id} is protected, but {why}",
        "give it the lowest rank, or narrow the other rules",
        point,
        outputs=(name,) if name else (),
    )


def _word(value: object) -> str:
    return str(getattr(value, "roles", value)) if value is not None else str(MISSING)
