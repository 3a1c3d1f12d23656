"""Instants and spans of time in messages for people: the names that carry one, the forms, and the words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

INSTANTS = frozenset(
    {"due", "fired", "event_time", "was.due", "was.stopped", "now.due", "now.stopped"},
)
"""Names in messages whose value is an instant, besides facts of that type."""
SPANS = frozenset({"late_by", "delay_seconds"})
"""Names in messages whose value is a number of seconds."""
INSTANT = "instant"
INSTANT_FORMATS = ("date", "time", "iso")
"""Forms of an instant that a template may ask for; without one, it is shown with date and time in words."""
SPAN_FORMATS = ("words",)
"""Forms of a span of time; without one, it is a number of seconds."""
FORMAT_MARK = "|"
"""Stands between a name and its form: `{due|date}`."""

_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS: Mapping[str, tuple[str, str, str, str]] = {
    "zh": (" 小时", " 分钟", " 秒", " "),
    "en": (" h", " min", " s", " "),
}


def instant_words(local: datetime, language: str, shape: str = INSTANT) -> str:
    """A local time in words.

    `2026年9月16日 14:55` in Chinese, `16 Sep 2026, 14:55` in English, else `2026-09-16 14:55`. Seconds are left out.
    `shape` is `instant` or one of INSTANT_FORMATS; `iso` has the offset.
    """
    if shape == "iso":
        return local.isoformat()
    clock = f"{local.hour:02}:{local.minute:02}"
    if shape == "time":
        return clock
    main = language.partition("-")[0]
    if main == "zh":
        day, between = f"{local.year}年{local.month}月{local.day}日", " "
    elif main == "en":
        day, between = f"{local.day} {_MONTHS_EN[local.month - 1]} {local.year}", ", "
    else:
        day, between = f"{local.year:04}-{local.month:02}-{local.day:02}", " "
    return day if shape == "date" else f"{day}{between}{clock}"


def local_time(moment: datetime, zone: tzinfo | None) -> str:
    """`2026-03-02 14:00 +0800`, for explanations and tables; with seconds where there are any."""
    here = moment.astimezone(zone) if zone is not None else moment
    clock = "%H:%M:%S" if here.second else "%H:%M"
    return here.strftime(f"%Y-%m-%d {clock} %z")


def span_words(seconds: int, language: str) -> str:
    """`2 小时 15 分钟`, `2 h 15 min`; seconds only below a minute. No days, as a working day has not 24 hours."""
    hours, minutes, rest, between = _UNITS.get(language.partition("-")[0], _UNITS["en"])
    whole, left = divmod(max(0, seconds), 3600)
    parts = [f"{whole}{hours}"] if whole else []
    if left >= 60:
        parts.append(f"{left // 60}{minutes}")
    return between.join(parts) or f"{left}{rest}"
