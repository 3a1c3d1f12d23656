"""Suggestions for times that are not written in the form of rule files."""

from __future__ import annotations

import pytest

from answerby.rules.sections.values.durations import parse_duration
from answerby.rules.sections.values.suggestions import (
    date_suggestion,
    duration_suggestion,
    interval_suggestion,
    zone_suggestion,
)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("15min", "15m"),
        ("15 minutes", "15m"),
        ("15分钟", "15m"),
        ("1.5h", "1h30m"),
        ("2小时", "2h"),
        ("半小时", "30m"),
        ("两小时", "2h"),
        ("1h 30m", "1h30m"),
        ("1 hour and 30 minutes", "1h30m"),
        ("90 sec", "1m30s"),
        ("15M", "15m"),
        ("2 working days", "2bd"),
        ("2个工作日", "2bd"),
        ("1d", "24h or 1bd (working days)"),
        ("3天", "72h or 3bd (working days)"),
        ("1 week", "168h or 5bd (working days)"),
        ("1.5 days", "36h"),
        ("1天12小时", "36h"),
        ("1y", ""),
        ("soon", ""),
        ("", ""),
    ],
)
def test_a_duration(text, suggestion):
    assert duration_suggestion(text) == suggestion
    for proposal in suggestion.removesuffix(" (working days)").split(" or "):
        assert not proposal or parse_duration(proposal)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("2026/1/3", "2026-01-03"), ("2026年1月31日", "2026-01-31"), ("2026.01.03", "2026-01-03"), ("1/2/2026", "")],
)
def test_a_date(text, suggestion):
    assert date_suggestion(text) == suggestion


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("9:00-18:00", '"09:00-18:00"'),
        ("9-18", '"09:00-18:00"'),
        ("09:00~18:00", '"09:00-18:00"'),
        ("9：00至18：00", '"09:00-18:00"'),
        ("22:00-06:00", '"22:00-24:00", and "00:00-06:00" on the next day'),
        ("9:00-25:00", ""),
        ("always", ""),
    ],
)
def test_working_hours(text, suggestion):
    assert interval_suggestion(text) == suggestion


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("UTC+8", "Asia/Shanghai"),
        ("+08:00", "Asia/Shanghai"),
        ("北京时间", "Asia/Shanghai"),
        ("CST", "Asia/Shanghai"),
        ("UTC-5", "Etc/GMT+5"),
        ("GMT+0", "UTC"),
        ("UTC+99", ""),
        ("nowhere", ""),
    ],
)
def test_a_time_zone(text, suggestion):
    assert zone_suggestion(text) == suggestion
