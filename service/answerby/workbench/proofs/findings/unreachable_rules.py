"""Rules that can never match: because of their own conditions, or because of the earlier stages."""

from __future__ import annotations

from answerby.engine.clocks.ladder_steps import REASSIGNABLE
from answerby.engine.stages.ladder_values import PRIORITY
from answerby.rules.text.diagnostic_codes import Code
from answerby.workbench.proofs.findings.stage_analysis import StageAnalysis
from answerby.workbench.proofs.space.boxes import Box

KIND = "whether it can match"


def find_unreachable(analysis: StageAnalysis) -> None:
    def ask(number: int) -> None:
        point = analysis.view.sample(number, 0)
        if point is not None:
            analysis.note_point(number, point)
            return
        found = analysis.find([number])
        if found is not None:
            analysis.note_point(number, analysis.view.choose(found))
            return
        analysis.unreachable.add(number)
        message, hint = _why(analysis, number)
        analysis.findings.append(analysis.finding(Code.UNREACHABLE_RULE, [number], message, hint))

    analysis.ask_each(KIND, range(len(analysis.contest.rules)), ask)


def _why(analysis: StageAnalysis, number: int) -> tuple[str, str]:
    rule = analysis.rule(number)
    boxes = analysis.view.boxes[number]
    impossible = sorted({reason for box in boxes if (reason := _impossible(analysis, box))})
    if boxes and impossible and all(_impossible(analysis, box) for box in boxes):
        message = f"{rule.id} can never match: {'; '.join(impossible)}"
        return (
            message,
            "only a value set by hand could make it match; correct the value, or write the rule that gives it",
        )
    return f"{rule.id} can never match: its conditions exclude each other", "remove or correct one of the conditions"


def _impossible(analysis: StageAnalysis, box: Box) -> str:
    """The reason why no request lies in the box, if a single field is the reason; empty otherwise."""
    space, domains = analysis.view.space, analysis.view.domains
    for number, mask in box:
        if not mask & domains[number]:
            dimension = space.dimensions[number]
            if dimension.key:
                return f"no rule of an earlier stage puts {dimension.key} into {dimension.field}"
            labels = [cell.label for i, cell in enumerate(dimension.cells) if mask >> i & 1]
            if labels == ["missing"]:
                return f"{dimension.field} always has a value"
            makers = "no rule of an earlier stage"
            if dimension.field in {PRIORITY, *REASSIGNABLE}:
                makers += " and no ladder"
            return f"{makers} gives {dimension.field} the value {' or '.join(labels)}"
    return ""
