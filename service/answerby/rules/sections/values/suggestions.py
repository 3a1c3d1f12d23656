"""Suggestions for times that are not written in the form of rule files."""

from __future__ import annotations

import re

_UNITS: tuple[tuple[str, str], ...] = (
    (r"business days?|working days?|workdays?|个?工作日|bdays?|wd", "bd"),
    (r"seconds?|secs?|秒钟?", "s"),
    (r"minutes?|mins?|分钟?", "m"),
    (r"hours?|hrs?|个?小时|个?钟头|时", "h"),
    (r"days?|天|日|昼夜", "d"),
    (r"weeks?|周|个?星期", "w"),
    (r"bd", "bd"),
    (r"[smhdw]", ""),
)
_PART = re.compile(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*([^\W\d_]+(?: days?)?)\s*(?:and|,)?", re.IGNORECASE)
_WORD_NUMBERS = {"半": "0.5", "一": "1", "两": "2", "二": "2", "三": "3", "四": "4", "五": "5", "十": "10"}
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_DATE = re.compile(r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?\Z")
_TIMES = re.compile(r"([0-9]{1,2})[:：.]?([0-9]{2})?\s*(?:[-~–—～至到]|to)\s*([0-9]{1,2})[:：.]?([0-9]{2})?\Z")
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])\s*0?([0-9]{1,2})(?::?00)?\Z", re.IGNORECASE)
_ZONES = {
    "beijing": "Asia/Shanghai",
    "asia/beijing": "Asia/Shanghai",
    "china": "Asia/Shanghai",
    "cst": "Asia/Shanghai",
    "北京": "Asia/Shanghai",
    "北京时间": "Asia/Shanghai",
    "中国": "Asia/Shanghai",
    "上海": "Asia/Shanghai",
    "z": "UTC",
    "gmt": "UTC",
}


def duration_suggestion(text: str) -> str:
    """The duration that an author probably means: `15m` for `15 minutes`, `15min` or `15分钟`; `24h or 1bd` for a day.

    Empty for a text that resembles no duration.
    """
    for word, digits in _WORD_NUMBERS.items():
        text = text.replace(word, digits) if text.startswith(word) else text
    parts: list[tuple[float, str]] = []
    position = 0
    while position < len(text.strip()):
        found = _PART.match(text, position)
        unit = _unit(found[2]) if found else ""
        if found is None or not unit:
            return ""
        parts.append((float(found[1].replace(",", ".")), unit))
        position = found.end()
    return _write(parts)


def _unit(word: str) -> str:
    for pattern, unit in _UNITS:
        if re.fullmatch(pattern, word, re.IGNORECASE):
            return unit or word.lower()
    return ""


def _write(parts: list[tuple[float, str]]) -> str:
    units = {unit for _, unit in parts}
    total: float = sum(amount for amount, _ in parts)
    if units == {"bd"} and total.is_integer():
        return f"{total:.0f}bd"
    if units == {"d"}:
        return _write_days(total, total)
    if units == {"w"}:
        return _write_days(total * 7, total * 5)
    if not units or units & {"bd", "w"}:
        return ""
    seconds = round(sum(amount * _SECONDS[unit] for amount, unit in parts))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds_left = divmod(rest, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds_left, "s")) if n)


def _write_days(days: float, working: float) -> str:
    hours = f"{days * 24:g}h"
    return f"{hours} or {working:.0f}bd (working days)" if float(working).is_integer() else hours


def date_suggestion(text: str) -> str:
    """The date that an author probably means: `2026-01-31` for `2026/1/31` or `2026年1月31日`; else empty."""
    found = _DATE.match(text.strip())
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else ""


def interval_suggestion(text: str) -> str:
    """The hours that an author means: `09:00-18:00` for `9:00~18:00`, `9-18` or `9：00至18：00`; else empty."""
    found = _TIMES.match(text.strip())
    if not found:
        return ""
    start, end = (int(found[1]), int(found[2] or 0)), (int(found[3]), int(found[4] or 0))
    if start[0] > 24 or end[0] > 24 or start[1] > 59 or end[1] > 59:
        return ""
    first, last = f"{start[0]:02}:{start[1]:02}", f"{end[0]:02}:{end[1]:02}"
    if end <= start:
        return f'"{first}-24:00", and "00:00-{last}" on the next day'
    return f'"{first}-{last}"'


def zone_suggestion(text: str) -> str:
    """The time zone that an author probably means, from a common name or an offset such as `UTC+8`; else empty."""
    known = _ZONES.get(text.strip().casefold())
    if known:
        return known
    found = _OFFSET.match(text.strip())
    if not found or int(found[2]) > 14:
        return ""
    if found[1] == "+" and int(found[2]) == 8:
        return "Asia/Shanghai"
    # The signs of `Etc/GMT` zones are the reverse of the usual ones: Etc/GMT-8 is UTC+8.
    return f"Etc/GMT{'-' if found[1] == '+' else '+'}{int(found[2])}" if int(found[2]) else "UTC"
