"""Names of time zones."""

from __future__ import annotations

import zoneinfo

from answerby.rules.sections.values.suggestions import zone_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Node, ScalarNode


def read_zone(report: DiagnosticReport, node: Node, what: str) -> zoneinfo.ZoneInfo | None:
    """The time zone that a node names. None, with a diagnostic, for an unknown name."""
    text = node.text if isinstance(node, ScalarNode) else ""
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        suggestion = zone_suggestion(text)
        near = f"did you mean {suggestion}?" if suggestion else report.suggest(text, zoneinfo.available_timezones())
        hint = near or "write an IANA name such as Asia/Shanghai"
        report.add(Code.INVALID_TIMEZONE, node, f'{what} "{text[:40]}" is not a time zone', hint)
        return None
