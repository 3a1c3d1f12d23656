"""Gaps: facts for which no row of a table matches, and nothing else of the stage sets what the table sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from answerby.rules.model.rulebook import Block, HitPolicy
from answerby.rules.text.codes import Code
from answerby.workbench.proofs.findings.finding import Finding
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.findings.overlaps import FILE_PREFIX
from answerby.workbench.proofs.space.policies import Demands, mask_of

KIND = "whether the table has a gap"


def find_gaps(inquiry: Inquiry) -> None:
    for block in inquiry.contest.blocks:
        numbers = inquiry.contest.of_block[block.id]
        if not block.id.startswith(FILE_PREFIX) and block.hit in {HitPolicy.FIRST, HitPolicy.UNIQUE}:
            for name in _meant_total(inquiry, block):
                inquiry.each(KIND, numbers[:1], partial(_ask, inquiry, block, name))


def _meant_total(inquiry: Inquiry, block: Block) -> list[str]:
    """The outputs of which every request is to have one: those that each row sets and nothing sets by default."""
    rows = [inquiry.rule(n) for n in inquiry.contest.of_block[block.id]]
    names = sorted(set.intersection(*(set(row.then) for row in rows)))
    found = [n for n in names if n not in inquiry.contest.stage.default and not inquiry.contest.is_united(n)]
    return found[:1]


def _ask(inquiry: Inquiry, block: Block, name: str, number: int) -> None:
    contest = inquiry.contest
    rows = contest.of_block[block.id]
    others = mask_of(n for n in contest.setters[name] if n not in rows)
    demands = Demands(mask_of(rows)).also(contest.fail(others, name))
    found = inquiry.find([], demands)
    if found is None:
        return
    region = inquiry.region(found)

    def report(point: Mapping[int, int]) -> Finding:
        where = f", such as {'; '.join(region)}" if region else ""
        finding = inquiry.finding(
            Code.GAP,
            [number],
            f"table {block.id} has a gap: no row matches{where}, and nothing else sets {name}",
            f"add the rows, a last row of `any`, or a default for {name}",
            point,
            region,
            (name,),
        )
        return replace(finding, table=block.id)

    inquiry.settle(KIND, number, [], demands, report)
