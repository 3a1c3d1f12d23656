"""Durations as people write them."""

from __future__ import annotations

import pytest

from answerby.domain.clock import TargetUnit
from answerby.rules.sections.values.durations import parse_duration
from answerby.rules.text.folding import fold


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("2h", 7_200),
        ("1h30m", 5_400),
        ("1h1m1s", 3_661),
        ("0m", 0),
        ("PT15M", 900),
        ("PT1H30M", 5_400),
        ("PT24H", 86_400),
    ],
)
def test_seconds(text, seconds):
    assert parse_duration(text) == (seconds, TargetUnit.SECONDS)


@pytest.mark.parametrize(("text", "days"), [("1bd", 1), ("P10BD", 10)])
def test_working_days(text, days):
    assert parse_duration(text) == (days, TargetUnit.WORKING_DAYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "15",
        "15 m",
        "m15",
        "1m1h",
        "-5m",
        "1.5h",
        "PT",
        "P",
        "P1M",
        "PT1.5H",
        "1d",
        "1BD",
        "１５m",
        "9999999999h",
    ],
)
def test_what_is_no_duration(text):
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＰＰ", "app"),
        ("  Caught \t FIRE\n", "caught fire"),
        ("Straße", "strasse"),
        ("\u200b起\ufeff火", "起火"),
        ("ﬁre", "fire"),
        ("ͅ", "ι"),
    ],
)
def test_folding(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded
