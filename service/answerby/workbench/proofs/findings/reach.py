"""Rules that can never match: in themselves, or given what earlier stages make of a request."""

from __future__ import annotations

from answerby.rules.text.codes import Code
from answerby.workbench.proofs.findings.inquiry import Inquiry
from answerby.workbench.proofs.space.boxes import Box

KIND = "whether it can match"


def find_unreachable(inquiry: Inquiry) -> None:
    def ask(number: int) -> None:
        point = inquiry.view.sample(number, 0)
        if point is not None:
            inquiry.note_point(number, point)
            return
        found = inquiry.find([number])
        if found is not None:
            inquiry.note_point(number, inquiry.view.choose(found))
            return
        inquiry.unreachable.add(number)
        message, hint = _why(inquiry, number)
        inquiry.findings.append(inquiry.finding(Code.UNREACHABLE_RULE, [number], message, hint))

    inquiry.each(KIND, range(len(inquiry.contest.rules)), ask)


def _why(inquiry: Inquiry, number: int) -> tuple[str, str]:
    rule = inquiry.rule(number)
    boxes = inquiry.view.boxes[number]
    impossible = sorted({reason for box in boxes if (reason := _impossible(inquiry, box))})
    if boxes and impossible and all(_impossible(inquiry, box) for box in boxes):
        message = f"{rule.id} can never match: {'; '.join(impossible)}"
        return (
            message,
            "only a value set by hand could make it match; correct the value, or write the rule that gives it",
        )
    return f"{rule.id} can never match: its conditions exclude each other", "remove or correct one of the conditions"


def _impossible(inquiry: Inquiry, box: Box) -> str:
    """Why no request lies in the box, as far as a single field says it."""
    space, domains = inquiry.view.space, inquiry.view.domains
    for number, mask in box:
        if not mask & domains[number]:
            dimension = space.dimensions[number]
            if dimension.key:
                return f"no rule of an earlier stage puts {dimension.key} into {dimension.field}"
            labels = [cell.label for i, cell in enumerate(dimension.cells) if mask >> i & 1]
            if labels == ["missing"]:
                return f"{dimension.field} always has a value"
            return f"no rule of an earlier stage gives {dimension.field} the value {' or '.join(labels)}"
    return ""
