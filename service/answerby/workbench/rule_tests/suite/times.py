"""Instants and durations of test files."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from answerby.rules.sections.values.dates import read_instant
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Node, ScalarNode, describe


def read_aware_instant(report: DiagnosticReport, node: Node, what: str) -> datetime | None:
    """An instant with the offset that the file writes; None, reported, for anything else."""
    text = node.text if isinstance(node, ScalarNode) else ""
    if len(text) <= len("2026-01-31"):
        message = f"{what} must be an instant, not {describe(node)}"
        report.add(Code.INVALID_DATE, node, message, 'write "2026-01-31T10:00:00+08:00"')
        return None
    if read_instant(report, node, what, ZoneInfo("UTC")) is None:
        return None
    # `read_instant` converts to UTC; failures of a test are shown with the offset of the file.
    return datetime.fromisoformat(text)


def read_span(report: DiagnosticReport, node: Node, what: str) -> timedelta:
    """A duration, `0s` included; zero, reported, for anything else."""
    if isinstance(node, ScalarNode) and node.value == "0s":
        return timedelta()
    return timedelta(seconds=read_seconds(report, node, what) or 0)
