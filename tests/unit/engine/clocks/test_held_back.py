"""Reminders that wait for the end of quiet hours wait through a pause as well, and are not lost in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from answerby.domain.timer_event import timer_event
from answerby.engine.clocks.missed_reminders import CATCH_UP_LIMIT
from tests.kit.plays import Play, at
from tests.kit.sections import compiled, targets

OFFICE = {"timezone": "Asia/Shanghai", "weekly": {"mon-fri": ["09:00-18:00"]}}


@pytest.fixture(params=["next_opening", "digest"])
def evening(request: pytest.FixtureRequest) -> Play:
    """Due on Monday at 19:30, in quiet hours. Nobody has heard of it by 20:00."""
    ladder = {
        "id": "steps",
        "because": "case",
        "quiet_hours": {"calendar": "office", "then": request.param},
        "steps": [{"at": "0m", "notify": {"role": "clerk", "template": "late"}}],
    }
    clock = {"id": "fix", "because": "case", "calendar": "always", "ladder": "steps", "pause_while": ["on_hold"]}
    sections = {
        "clocks": [clock | {"stop": ["request.completed"]}],
        "ladders": [ladder],
        "calendars": {"office": OFFICE},
    }
    play = Play(compiled(sections, targets(({}, {"fix": "2h"}))))
    play.happens("received", "2026-03-02 17:30")
    play.waits("2026-03-02 20:00")
    assert play.notices() == []
    assert play.clock("fix").breached
    return play


def heard(play: Play) -> list[str]:
    return [f"{moment + timedelta(hours=8):%d %H:%M}" for moment, _ in play.notices()]


@pytest.mark.parametrize(("resumed", "told"), [("08:30", "03 09:00"), ("10:15", "03 10:15")])
def test_told_at_the_opening_or_when_the_clock_goes_on(evening: Play, resumed: str, told: str) -> None:
    evening.happens("on_hold", "2026-03-02 21:00", actor="agent")
    evening.waits(f"2026-03-03 {resumed}")
    evening.happens("resumed", f"2026-03-03 {resumed}", actor="agent")
    evening.waits(None)
    assert heard(evening) == [told]


def test_told_once_without_a_pause_and_never_after_the_end(evening: Play) -> None:
    evening.happens("updated", "2026-03-02 21:00")
    evening.waits("2026-03-03 09:30")
    evening.happens("updated", "2026-03-03 09:30")
    evening.waits(None)
    assert heard(evening) == ["03 09:00"]


def test_never_after_the_clock_was_met(evening: Play) -> None:
    evening.happens("completed", "2026-03-02 21:00", actor="agent")
    evening.waits(None)
    assert heard(evening) == []


def test_a_joint_notice_leaves_the_reminders_of_a_paused_clock_waiting() -> None:
    one = {"because": "case", "calendar": "always", "ladder": "steps"}
    clocks = [
        {"id": "answer", **one, "stop": ["request.replied"], "pause_while": ["on_hold"]},
        {"id": "fix", **one, "stop": ["request.completed"]},
    ]
    ladder = {
        "id": "steps",
        "because": "case",
        "quiet_hours": {"calendar": "office", "then": "next_opening"},
        "steps": [{"at": "0m", "notify": {"role": "clerk", "template": "late"}}],
    }
    sections = {"clocks": clocks, "ladders": [ladder], "calendars": {"office": OFFICE}}
    play = Play(compiled(sections, targets(({}, {"answer": "1h", "fix": "2h"}))))
    play.happens("received", "2026-03-02 17:30")
    # The server was away until three in the morning.
    for name in ("answer/1/0/0", "fix/1/0/0"):
        event = timer_event(play.request.tenant, play.request_id, play.request.timers[name], 3600)
        event.data[CATCH_UP_LIMIT] = 1
        play.take(event, at("2026-03-03 03:00"))
    play.happens("on_hold", "2026-03-03 08:00", actor="agent")
    play.waits("2026-03-03 10:00")
    assert [effect.payload["held_back_clocks"] for _, effect in play.notices()] == [["fix"]]
    play.happens("resumed", "2026-03-03 10:00", actor="agent")
    play.waits(None)
    assert heard(play) == ["03 09:00", "03 10:00"]
    assert play.notices()[-1][1].payload["clock"] == "answer"
