"""Which case of a test file a mistake belongs to that was found before the cases were read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.nodes import MappingNode, Node

OF_FILE = -1
"""The number for mistakes outside of the cases."""


def mistakes_by_case(
    root: MappingNode, cases: Sequence[Node], mistakes: Iterable[Diagnostic]
) -> dict[int, list[Diagnostic]]:
    """The mistakes by the number of the case in whose lines they lie, from 0, or by OF_FILE."""
    starts = [(key.place.line, key.place.column, OF_FILE) for key, _ in root.entries]
    starts += [(case.place.line, case.place.column, number) for number, case in enumerate(cases)]
    starts.sort()
    found: dict[int, list[Diagnostic]] = {}
    for mistake in mistakes:
        before = bisect_right(starts, (mistake.line, mistake.column, len(cases)))
        number = starts[before - 1][2] if before else OF_FILE
        found.setdefault(number, []).append(mistake)
    return found
