"""Durations in rule files: `90s`, `15m`, `2h`, `1h30m`, `2bd` (working days), or ISO 8601 such as `PT15M`, `P1BD`."""

from __future__ import annotations

import re
from typing import NamedTuple

from answerby.domain.clock import TargetUnit
from answerby.rules.sections.values.suggestions import duration_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Node, ScalarNode, describe

_SHORT = re.compile(r"(?=[0-9])(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?\Z")
_ISO = re.compile(r"PT(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?\Z")
_WORKING_DAYS = re.compile(r"(?:([0-9]+)bd|P([0-9]+)BD)\Z")
_DAYS = re.compile(r"(?:[0-9.]+ ?(?:d|days?|w|weeks?|天|日|周)|P[0-9.]+[DW].*|[0-9]+d[0-9].*)\Z", re.IGNORECASE)

PATTERN = "|".join(p.pattern.removesuffix(r"\Z") for p in (_SHORT, _ISO, _WORKING_DAYS))
"""A regular expression for all texts that `parse_duration` accepts, for schemas."""

MAX_SECONDS = 10 * 366 * 86_400
MAX_WORKING_DAYS = 2_600
EXAMPLES = "write 15m, 2h, 1h30m or 2bd (working days)"


class Duration(NamedTuple):
    """A duration in seconds or in working days."""

    amount: int
    unit: TargetUnit


def read_duration(report: DiagnosticReport, node: Node, what: str, *, wall: bool = False) -> Duration | None:
    """A duration above zero and up to ten years. None, with a diagnostic, for anything else.

    With `wall`, hints suggest no working days.
    """
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        number = isinstance(node, ScalarNode) and isinstance(node.value, int | float)
        hint = EXAMPLES
        if number and isinstance(node, ScalarNode):
            days = "" if wall else f" or {node.text}bd (working days)"
            hint = f"say the unit: {node.text}m (minutes), {node.text}h (hours){days}"
        report.add(Code.INVALID_DURATION, node, f"{what} must be a duration, not {describe(node)}", hint)
        return None
    text = node.value
    if _DAYS.match(text):
        message = f'{what} "{text}" could mean calendar days or working days'
        suggestion = duration_suggestion(text)
        hint = f"write {suggestion}" if suggestion else "write 24h for wall or opening hours, 1bd for a working day"
        if wall:
            hint = f"write {suggestion.partition(' or ')[0] or '24h'}"
        report.add(Code.DAY_DURATION, node, message, hint)
        return None
    duration = parse_duration(text)
    if duration is None:
        report.add(Code.INVALID_DURATION, node, f'{what} "{text[:40]}" is not a duration', duration_hint(text))
        return None
    limit = MAX_WORKING_DAYS if duration.unit is TargetUnit.WORKING_DAYS else MAX_SECONDS
    if not 0 < duration.amount <= limit:
        message = f"{what} must be above zero and at most ten years, not {text[:40]}"
        report.add(Code.INVALID_DURATION, node, message, EXAMPLES)
        return None
    return duration


def duration_hint(text: str) -> str:
    """A hint for a text that is no duration."""
    if text.isdecimal():
        return f"say the unit, and leave out the quotes: {text}m, {text}h or {text}bd (working days)"
    suggestion = duration_suggestion(text)
    return f"did you mean {suggestion}?" if suggestion else EXAMPLES


def read_seconds(report: DiagnosticReport, node: Node, what: str) -> int | None:
    """A duration in seconds of wall time. None, with a diagnostic, for anything else. Working days are refused."""
    duration = read_duration(report, node, what, wall=True)
    if duration is None or duration.unit is TargetUnit.SECONDS:
        return None if duration is None else duration.amount
    report.add(Code.INVALID_DURATION, node, f"{what} cannot be in working days", "write hours, such as 24h")
    return None


def parse_duration(text: str) -> Duration | None:
    """The duration of `text`, zero included. None for a text that is no duration."""
    days = _WORKING_DAYS.match(text)
    if days:
        digits = days[1] or days[2]
        return Duration(int(digits), TargetUnit.WORKING_DAYS) if len(digits) <= 9 else None
    found = _SHORT.match(text) or _ISO.match(text)
    if not found or any(len(part or "") > 9 for part in found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return Duration(hours * 3600 + minutes * 60 + seconds, TargetUnit.SECONDS)


def duration_text(seconds: int) -> str:
    """Seconds in the form of rule files: `1h30m` for 5400."""
    hours, rest = divmod(seconds, 3600)
    minutes, seconds_left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (seconds_left, "s"))
    return "".join(f"{amount}{unit}" for amount, unit in parts if amount) or "0m"
