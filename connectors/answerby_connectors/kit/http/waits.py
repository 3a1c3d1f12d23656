"""The wait that a platform asks for, in seconds: the first of the headers that vendors use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_WAIT = 24 * 3600.0
"""The limit in seconds. A platform that asks for a longer wait is asked again after a day."""
ALWAYS = ("retry-after",)
"""RFC 9110: a wait, on whatever answer it comes."""
AT_A_LIMIT = ("x-ogw-ratelimit-reset", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "backoff")
"""Feishu, the drafts of RateLimit headers (Zendesk), Jira, ServiceNow and others.

Vendors put these on every answer. They tell a wait only on an answer that refuses for a limit.
"""
MILLISECONDS_AT_A_LIMIT = ("x-hubspot-ratelimit-interval-milliseconds",)
"""The length of HubSpot's window of calls, which it names without the end of that window."""
EPOCH = 1_000_000_000.0
"""The least number that is a Unix time, not a count of seconds."""
EPOCH_MS = EPOCH * 1000


def wait_of(headers: Mapping[str, str], *, limited: bool = True, now: datetime | None = None) -> float | None:
    """The seconds to wait, or None. `limited`: the answer refuses for a limit. `headers` have lower-case names."""
    now = now or datetime.now(UTC)
    for name in (*ALWAYS, *(AT_A_LIMIT if limited else ())):
        wait = _seconds(headers.get(name, "").strip(), now)
        if wait is not None:
            return min(max(0.0, wait), MAX_WAIT)
    for name in MILLISECONDS_AT_A_LIMIT if limited else ():
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdigit():
            return min(int(text) / 1000, MAX_WAIT)
    return None


def _seconds(text: str, now: datetime) -> float | None:
    """A count of seconds, a Unix time in seconds or milliseconds, an HTTP date or an ISO time; None for all else."""
    if text.isascii() and text.replace(".", "", 1).isdigit():
        number = float(text)
        if number >= EPOCH_MS:
            number /= 1000
        return number - now.timestamp() if number >= EPOCH else number
    readers: tuple[Callable[[str], datetime], ...] = (parsedate_to_datetime, datetime.fromisoformat)
    for read in readers:
        try:
            at = read(text)
        except ValueError:
            continue
        return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return None
