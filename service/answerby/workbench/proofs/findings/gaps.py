"""Gaps: facts for which no row of a table matches, and nothing else in the stage sets the output of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from answerby.rules.model.rulebook import Block, HitPolicy
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.overlaps import FILE_PREFIX
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.hit_policies import Demands, mask_of

KIND = "whether the table has a gap"


def find_gaps(analysis: StageAnalysis) -> None:
    for block in analysis.contest.blocks:
        numbers = analysis.contest.of_block[block.id]
        if not block.id.startswith(FILE_PREFIX) and block.hit in {HitPolicy.FIRST, HitPolicy.UNIQUE}:
            for name in _outputs_without_default(analysis, block):
                analysis.ask_each(KIND, numbers[:1], partial(_find_gap, analysis, block, name))


def _outputs_without_default(analysis: StageAnalysis, block: Block) -> list[str]:
    """The outputs that every request should get: each row sets them, and the stage has no default for them."""
    rows = [analysis.rule(n) for n in analysis.contest.of_block[block.id]]
    names = sorted(set.intersection(*(set(row.then) for row in rows)))
    found = [n for n in names if n not in analysis.contest.stage.default and not analysis.contest.is_united(n)]
    return found[:1]


def _find_gap(analysis: StageAnalysis, block: Block, name: str, number: int) -> None:
    contest = analysis.contest
    rows = contest.of_block[block.id]
    others = mask_of(n for n in contest.setters[name] if n not in rows)
    demands = Demands(mask_of(rows)).also(contest.fail(others, name))
    found = analysis.find([], demands)
    if found is None:
        return
    region = analysis.region(found)

    def report(point: Mapping[int, int]) -> Finding:
        where = f", such as {'; '.join(region)}" if region else ""
        finding = analysis.finding(
            Code.GAP,
            [number],
            f"table {block.id} has a gap: no row matches{where}, and nothing else sets {name}",
            f"add the rows, a last row of `any`, or a default for {name}",
            point,
            region,
            (name,),
        )
        return replace(finding, table=block.id)

    analysis.report_if_any(KIND, number, [], demands, report)
