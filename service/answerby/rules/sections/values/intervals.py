"""Hours of a day, such as `09:00-18:00`."""

from __future__ import annotations

import re

from answerby.rules.sections.values.suggestions import interval_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, ScalarNode, SequenceNode, describe

_INTERVAL = re.compile(r"([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})\Z")


_DAY_SECONDS = 86_400


def read_intervals(report: DiagnosticReport, reader: NodeReader, node: Node, what: str) -> tuple[tuple[int, int], ...]:
    """Intervals of hours such as `["09:00-12:00", "13:00-18:00"]`, as (start, end) in seconds of the day.

    The intervals must be in order and must not overlap. Any other interval is reported and left out.
    """
    found: list[tuple[int, int]] = []
    items = (node,) if isinstance(node, ScalarNode) else _list(reader, node, what)
    for item in items:
        interval = _interval(item)
        if interval is None:
            text = item.text if isinstance(item, ScalarNode) else describe(item)
            suggestion = interval_suggestion(text)
            hint = f"write {suggestion}" if suggestion else 'write it like "09:00-18:00"'
            report.add(Code.INVALID_INTERVAL, item, f"{what}: {text[:40]} is not an interval of hours", hint)
        elif found and interval[0] < found[-1][1]:
            report.add(
                Code.INVALID_INTERVAL, item, f"{what}: this interval overlaps the one before it", "put them in order"
            )
        else:
            found.append(interval)
    return tuple(found)


def _list(reader: NodeReader, node: Node, what: str) -> tuple[Node, ...]:
    # An empty list is valid here. It stands for a day without working time.
    return node.items if isinstance(node, SequenceNode) else reader.sequence(node, what)


def _interval(node: Node) -> tuple[int, int] | None:
    found = _INTERVAL.match(node.text) if isinstance(node, ScalarNode) else None
    if not found:
        return None
    h1, m1, h2, m2 = (int(part) for part in found.groups())
    start, end = h1 * 3600 + m1 * 60, h2 * 3600 + m2 * 60
    return (start, end) if start < end <= _DAY_SECONDS and m1 < 60 and m2 < 60 else None
