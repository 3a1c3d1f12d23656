"""A period, and the options that give one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from answerby.cli.fail import CommandFailed

_SPAN = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=3660)


class Period(NamedTuple):
    """The period [start, end). None is no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        return (self.start is None or moment >= self.start) and self.begins_before_end(moment)

    def begins_before_end(self, moment: datetime) -> bool:
        return self.end is None or moment < self.end


def parse_span(text: str, option: str) -> timedelta:
    """A duration such as `90m`, `12h`, `30d` or `4w`. Raises CommandFailed."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise CommandFailed(f"{option} {text}: write a duration such as 90m, 12h, 30d or 4w")
    span = min(int(found[1]), 10**6) * _UNITS[found[2]]
    if span > _LONGEST:
        raise CommandFailed(f"{option} {text}: more than ten years; name a shorter time")
    return span


def parse_moment(text: str, option: str) -> datetime:
    """An instant with its offset, or a date, which means its midnight UTC. Raises CommandFailed."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandFailed(f"{option} {text}: write a date or an instant such as 2026-03-01T08:00:00+08:00") from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if len(text.strip()) > len("2026-03-01"):
        raise CommandFailed(f"{option} {text}: the time names no offset; write it such as 2026-03-01T08:00:00+08:00")
    return moment.replace(tzinfo=UTC)


def period_of(since: str, start: str, end: str, now: datetime) -> Period:
    """The period of the options `--since`, `--from` and `--to`. Raises CommandFailed."""
    if since and start:
        raise CommandFailed("--since and --from both say where to begin; give one of them")
    first = now - parse_span(since, "--since") if since else parse_moment(start, "--from") if start else None
    last = parse_moment(end, "--to") if end else None
    if first is not None and last is not None and first >= last:
        raise CommandFailed("--to lies before the beginning; nothing is in between")
    return Period(first, last)
