"""Gaps: facts for which no rule of a table or file matches, and nothing else in the stage sets what these rules set.

The gap of requests that lack a fact is one finding; each region of given facts is another. A comment that allows one of
them allows no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from answerby.rules.model.rulebook import Block
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.overlaps import FILE_PREFIX
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.boxes import EVERYTHING, Box, make_box
from answerby.workbench.proofs.space.budget import OverBudget
from answerby.workbench.proofs.space.hit_policies import Demands, mask_of

KIND = "whether {} has a gap"
MOST_GAPS = 5
"""The most gaps of given facts that are named of one table. Who closes them is told of the next."""
FEWEST_RULES = 2
"""The fewest rules of a file that are meant to share out the requests. A rule by itself is an exception."""


def find_gaps(analysis: StageAnalysis) -> None:
    """Adds the gaps of tables and files of rules under any policy. A complete table has its own proof."""
    for block in analysis.contest.blocks:
        numbers = analysis.contest.of_block[block.id]
        for name in () if block.complete else _outputs_without_default(analysis, block):
            gaps = _Gaps(analysis, block, name)
            analysis.ask_each(KIND.format(gaps.title), numbers[:1], gaps.find)


def find_incomplete(analysis: StageAnalysis) -> None:
    """Adds the requests that a `complete` table leaves out, whatever else decides them."""
    for block in analysis.contest.blocks:
        if block.complete:
            gaps = _Gaps(analysis, block, None)
            number = analysis.contest.of_block[block.id][0]
            try:
                gaps.find(number)
            except OverBudget:
                analysis.findings.append(gaps.unproved(number))


def _outputs_without_default(analysis: StageAnalysis, block: Block) -> list[str]:
    """The outputs that every request should get: each rule sets them, and the stage has no default for them."""
    rules = [analysis.rule(n) for n in analysis.contest.of_block[block.id]]
    names = sorted(set.intersection(*(set(rule.then) for rule in rules)))
    found = [n for n in names if n not in analysis.contest.stage.default and not analysis.contest.is_united(n)]
    if block.id.startswith(FILE_PREFIX):
        vocabulary = analysis.view.space.vocabulary
        found = [n for n in found if n in vocabulary] if len(rules) >= FEWEST_RULES else []
    return found[:1]


@dataclass(frozen=True)
class _Gaps:
    """The search for the gaps of one block; without `output` for requests that no rule of it matches."""

    analysis: StageAnalysis
    block: Block
    output: str | None

    @property
    def title(self) -> str:
        return "the table" if not self.block.id.startswith(FILE_PREFIX) else "the file"

    def find(self, number: int) -> None:
        given = self._given()
        self._find_each(number, given, [], MOST_GAPS, lacking=False)
        if given is not EVERYTHING:
            self._find_each(number, EVERYTHING, [given], 1, lacking=True)

    def _find_each(self, number: int, region: Box, barred: list[Box], most: int, *, lacking: bool) -> None:
        analysis = self.analysis
        demands = self._demands()
        for _ in range(most):
            found = analysis.find([], demands, region, barred)
            if found is None:
                return
            gap = make_box({d: mask for d, mask in enumerate(found) if mask != analysis.view.domains[d]})
            words = analysis.region(found)
            report = partial(self._report, number, words, lacking=lacking)
            if not analysis.report_with_witness([], demands, report, gap):
                analysis.unconfirmed += 1
                analysis.leave_open(KIND.format(self.title), number, "no request could be made that shows it")
            barred = [*barred, gap]

    def _given(self) -> Box:
        """The region in which no fact is missing that the rules ask for."""
        view = self.analysis.view
        given = {}
        for number in self.analysis.contest.of_block[self.block.id]:
            for dimension in {d for box in view.boxes[number] for d, _ in box}:
                missing = view.space.dimensions[dimension].missing
                allowed = view.domains[dimension] & ~missing
                if missing & view.domains[dimension] and allowed:
                    given[dimension] = allowed
        return make_box(given) if given else EVERYTHING

    def _demands(self) -> Demands:
        contest = self.analysis.contest
        rows = contest.of_block[self.block.id]
        if self.output is None:
            return Demands(mask_of(rows))
        others = mask_of(n for n in contest.setters[self.output] if n not in rows)
        return Demands(mask_of(rows)).also(contest.fail(others, self.output))

    def unproved(self, number: int) -> Finding:
        """The finding that it takes too long to prove the table complete."""
        message = f"table {self.block.id} is not proved complete: that takes too many combinations of facts"
        hint = "add a last row of `any`, or take `complete` away"
        return replace(self.analysis.finding(Code.INCOMPLETE_TABLE, [number], message, hint), block=self.block.id)

    def _report(self, number: int, words: tuple[str, ...], point: Mapping[int, int], *, lacking: bool) -> Finding:
        is_table = not self.block.id.startswith(FILE_PREFIX)
        name = f"table {self.block.id}" if is_table else self.block.id.removeprefix(FILE_PREFIX)
        row = "row" if is_table else "rule"
        facts = "; ".join(words)
        where = f" where {facts}" if facts else ""
        outputs = () if self.output is None else (self.output,)
        if self.output is None:
            code = Code.INCOMPLETE_TABLE
            message = f"{name} is not complete: no row matches{where}"
            hint = "add the rows, or a last row of `any`"
        else:
            code = Code.GAP
            message = f"{name} has a gap: no {row} matches{where}, and nothing else sets {self.output}"
            hint = f"add the {row}s, a last {row} for all else, or a default for {self.output}"
            if not lacking and facts:
                hint += f"; `# answerby: allow gap where {facts} -- <reason>` allows this gap alone"
        found = self.analysis.finding(code, [number], message, hint, point, words, outputs)
        return replace(found, block=self.block.id, where="" if lacking else facts)
