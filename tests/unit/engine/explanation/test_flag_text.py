"""Flags in words: the instants that answerby tells are in the reader's zone, what was sent stays as it was sent."""

import pytest

from answerby.engine.explanation.flag_text import flag_text
from answerby.sla.zones import load_zone
from tests.kit.plays import Play
from tests.kit.rulebooks import OFFICE, compiled

SHANGHAI, NEW_YORK = load_zone("Asia/Shanghai"), load_zone("America/New_York")


@pytest.mark.parametrize(
    ("code", "stored", "shown"),
    [
        (
            "OUT_OF_ORDER",
            "a later event, of 2026-11-30 22:32:49.510012+00:00, was decided before this one",
            "a later event, of 2026-12-01 06:32:49 +0800, was decided before this one",
        ),
        ("ABSORBED", "D-1, created 2026-11-30T03:30:00+00:00, was", "D-1, created 2026-11-30 11:30 +0800, was"),
        ("RETROACTIVE", "fix: due none -> 2026-03-02T10:00:00+01:00", "fix: due none -> 2026-03-02 17:00 +0800"),
        ("ABSORBED", "D-2026-99-99T03:30:00Z, created", "D-2026-99-99T03:30:00Z, created"),
        ("DUE_REFUSED", "due.x: write 2026-03-02T10:00:00+01:00", "due.x: write 2026-03-02T10:00:00+01:00"),
    ],
)
def test_instants_of_the_decision_are_in_the_zone(code, stored, shown):
    assert flag_text(code, stored, SHANGHAI) == f"{code}: {shown}"


@pytest.mark.parametrize(
    ("code", "event", "now", "instant"),
    [
        ("BEFORE_REQUEST", "2026-03-02 08:00", "2026-03-02 11:00", "2026-03-01 20:00 -0500"),
        ("OUT_OF_ORDER", "2026-03-02 09:30", "2026-03-02 11:00", "2026-03-01 21:00 -0500"),
        ("IN_THE_FUTURE", "2026-03-02 12:00", "2026-03-02 11:00", "2026-03-01 22:00 -0500"),
    ],
)
def test_flags_of_times_can_be_told_in_any_zone(code, event, now, instant):
    request = Play(compiled(OFFICE))
    request.happens("received", "2026-03-02 09:00")
    request.happens("updated", "2026-03-02 10:00")
    decision = request.happens("updated", event, now=now)
    (flag,) = [flag for flag in decision.flags if flag.code == code]
    text = flag_text(flag.code, flag.message, NEW_YORK)
    assert instant in text
    assert "+00:00" not in text
