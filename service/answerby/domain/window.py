"""Windows of time: queries for counts before a decision, and marks after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec


class WindowQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Count requests of `category` whose `by` is `value` in [at - within, at], the asking request left out."""

    name: str
    """The window field that takes the count."""
    by: str
    value: str
    category: str
    within: timedelta
    at: datetime


class WindowMark(msgspec.Struct, frozen=True, kw_only=True):
    """The request counts as one of `category` by `value` from `at` on; `remove` takes the mark back."""

    by: str
    value: str
    category: str
    at: datetime
    remove: bool = False
