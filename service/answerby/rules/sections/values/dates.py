"""Dates and instants in rule files."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta

from answerby.rules.sections.values.suggestions import date_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Node, ScalarNode

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})\Z")
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def parse_date(text: str) -> date | None:
    """The date of a text such as `2026-01-31`. None for any other text, and outside the years 1970 to 2200."""
    if not _DATE.match(text):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def read_date(report: DiagnosticReport, node: Node, what: str) -> date | None:
    """The date of a node. None, with a diagnostic, for anything else."""
    text = node.text if isinstance(node, ScalarNode) else ""
    found = parse_date(text)
    if found is None:
        report.add(Code.INVALID_DATE, node, f'{what} "{text[:40]}" is not a date', _date_hint(text))
    return found


def _date_hint(text: str) -> str:
    suggestion = date_suggestion(text)
    if not suggestion:
        return "write it like 2026-01-31"
    year = int(suggestion[:4])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return f"years from {_FIRST_YEAR} to {_LAST_YEAR} are known; leave it out where there is no limit"
    return f"did you mean {suggestion}?" if parse_date(suggestion) else "there is no such day in the calendar"


def read_yearly(report: DiagnosticReport, node: Node, what: str) -> str | None:
    """A day of every year, as `MM-DD`. None, with a diagnostic, for any other text."""
    text = node.text if isinstance(node, ScalarNode) else ""
    found = _YEARLY.match(text)
    # The year 2024 is a leap year, so 02-29 is accepted.
    if found and parse_date(f"2024-{text}"):
        return text
    report.add(Code.INVALID_DATE, node, f'{what} "{text[:40]}" is not a day of the year', "write it like 01-31")
    return None


def read_instant(
    report: DiagnosticReport, node: Node, what: str, zone: zoneinfo.ZoneInfo, *, end_of_day: bool = False
) -> datetime | None:
    """An instant in UTC, from an instant with offset or from a date. None, with a diagnostic, for any other text.

    A date stands for its first moment in `zone`; with `end_of_day`, for the first moment of the next day.
    """
    text = node.text if isinstance(node, ScalarNode) else ""
    day = parse_date(text)
    if day is not None:
        day += timedelta(days=1 if end_of_day else 0)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    found = _parse_instant(text)
    if found is None:
        report.add(Code.INVALID_DATE, node, f'{what} "{text[:40]}" is not a date or instant', _date_hint(text))
    elif found.tzinfo is None:
        report.add(Code.INVALID_DATE, node, f'{what} "{text}" has no offset', f"write {text}+08:00 or {text}Z")
        return None
    return found and found.astimezone(UTC)


def _parse_instant(text: str) -> datetime | None:
    if not _DATE.match(text[:10]) or len(text) < 16:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
