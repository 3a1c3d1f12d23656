"""Cases that are told in words: each is played on the engine, and what it expects is compared with what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.golden.sla import plays_of_clocks, plays_of_ladders, plays_of_rules

Case = Mapping[str, Any]
Calendars = Mapping[str, Any]

PLAYS: Mapping[str, Callable[[Case, Calendars], Any]] = {
    **plays_of_clocks.PLAYS,
    **plays_of_ladders.PLAYS,
    **plays_of_rules.PLAYS,
}
"""By the id of the case: plays it and returns what happened in the words of its `expect`."""


def run(case: Case, calendars: Calendars) -> None:
    """Raises AssertionError where what happens is not what the case expects; fails for a case without a play."""
    play = PLAYS.get(case["id"])
    if play is None:
        pytest.fail(f"nobody has taught this test how to play {case['id']}: {case['title']}")
    assert play(case, calendars) == case["expect"]
