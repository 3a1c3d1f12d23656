"""Dates, instants, times of day and time zones in rule files."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta

from answerby.rules.sections.values.suggestions import date_suggestion, interval_suggestion, zone_suggestion
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, ScalarNode, SequenceNode, describe

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})\Z")
_INTERVAL = re.compile(r"([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})\Z")
_DAY_SECONDS = 86_400
_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def parse_date(text: str) -> date | None:
    if not _DATE.match(text):
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def read_date(report: DiagnosticReport, node: Node, what: str) -> date | None:
    text = node.text if isinstance(node, ScalarNode) else ""
    found = parse_date(text)
    if found is None:
        report.add(Code.INVALID_DATE, node, f'{what} "{text[:40]}" is not a date', _date_hint(text))
    return found


def _date_hint(text: str) -> str:
    meant = date_suggestion(text)
    if not meant:
        return "write it like 2026-01-31"
    year = int(meant[:4])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return f"years from {_FIRST_YEAR} to {_LAST_YEAR} are known; leave it out where there is no limit"
    return f"did you mean {meant}?" if parse_date(meant) else "there is no such day in the calendar"


def read_yearly(report: DiagnosticReport, node: Node, what: str) -> str | None:
    """`MM-DD`, a date that comes every year."""
    text = node.text if isinstance(node, ScalarNode) else ""
    found = _YEARLY.match(text)
    # 2024 is a leap year: 02-29 is a date, though not in every year.
    if found and parse_date(f"2024-{text}"):
        return text
    report.add(Code.INVALID_DATE, node, f'{what} "{text[:40]}" is not a day of the year', "write it like 01-31")
    return None


def read_instant(
    report: DiagnosticReport, node: Node, what: str, zone: zoneinfo.ZoneInfo, *, end_of_day: bool = False
) -> datetime | None:
    """An instant with offset, or a date, which stands for its first moment in `zone` (or, `end_of_day`, the next)."""
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


def read_intervals(report: DiagnosticReport, reader: NodeReader, node: Node, what: str) -> tuple[tuple[int, int], ...]:
    """`["09:00-12:00", "13:00-18:00"]` as seconds of the day; in order, not overlapping, up to 24:00."""
    found: list[tuple[int, int]] = []
    items = (node,) if isinstance(node, ScalarNode) else _list(reader, node, what)
    for item in items:
        interval = _interval(item)
        if interval is None:
            text = item.text if isinstance(item, ScalarNode) else describe(item)
            meant = interval_suggestion(text)
            hint = f"write {meant}" if meant else 'write it like "09:00-18:00"'
            report.add(Code.INVALID_INTERVAL, item, f"{what}: {text[:40]} is not an interval of hours", hint)
        elif found and interval[0] < found[-1][1]:
            report.add(
                Code.INVALID_INTERVAL, item, f"{what}: this interval overlaps the one before it", "put them in order"
            )
        else:
            found.append(interval)
    return tuple(found)


def _list(reader: NodeReader, node: Node, what: str) -> tuple[Node, ...]:
    # An empty list is meant here: a day without working time.
    return node.items if isinstance(node, SequenceNode) else reader.sequence(node, what)


def _interval(node: Node) -> tuple[int, int] | None:
    found = _INTERVAL.match(node.text) if isinstance(node, ScalarNode) else None
    if not found:
        return None
    h1, m1, h2, m2 = (int(part) for part in found.groups())
    start, end = h1 * 3600 + m1 * 60, h2 * 3600 + m2 * 60
    return (start, end) if start < end <= _DAY_SECONDS and m1 < 60 and m2 < 60 else None


def read_zone(report: DiagnosticReport, node: Node, what: str) -> zoneinfo.ZoneInfo | None:
    text = node.text if isinstance(node, ScalarNode) else ""
    try:
        return zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        meant = zone_suggestion(text)
        near = f"did you mean {meant}?" if meant else report.suggest(text, zoneinfo.available_timezones())
        hint = near or "write an IANA name such as Asia/Shanghai"
        report.add(Code.INVALID_TIMEZONE, node, f'{what} "{text[:40]}" is not a time zone', hint)
        return None
