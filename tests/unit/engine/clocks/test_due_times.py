"""Due times: time alone makes a clock late, once, whatever else does or does not happen at that time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from answerby.domain.effect import Effect
from answerby.engine.migration import migration
from tests.kit.plays import Play, at, effects
from tests.kit.sections import compiled, targets

LATE = {"role": "clerk", "template": "late"}


def desk(*clocks: Mapping[str, object], steps: list | None = None, goals: dict | None = None) -> Play:
    """A desk with these clocks, two hours each, and a ladder `steps`."""
    written = [{"because": "case", "calendar": "always", **clock} for clock in clocks]
    ladders = {"ladders": [{"id": "steps", "because": "case", "steps": steps}]} if steps else {}
    goal = goals or {clock["id"]: "2h" for clock in clocks}
    return Play(compiled({"clocks": written, **ladders}, targets(({}, goal))))


def updates(play: Play) -> list[Effect]:
    return [effect for decision in play.decisions for effect in effects(decision, "update_request")]


def test_time_alone_makes_a_clock_late_and_the_platform_is_told() -> None:
    play = desk({"id": "fix", "stop": ["request.completed"]})
    play.happens("received", "2026-03-02 09:00")
    assert [(timer.id, timer.due) for timer in play.timers("fix")] == [("fix/1/due", at("2026-03-02 11:00"))]

    play.waits("2026-03-02 10:59")
    assert (len(play.decisions), play.clock("fix").breached) == (1, False)

    play.waits("2026-03-09 09:00")
    assert (len(play.decisions), play.clock("fix").breached) == (2, True)
    assert play.decisions[-1].decided == at("2026-03-02 11:00")
    assert play.decisions[-1].flags == []
    assert [update.payload["breached"] for update in updates(play)] == [[], ["fix"]]
    assert play.request.timers == {}


@pytest.mark.parametrize(
    "steps",
    [
        [{"at": "0m", "notify": LATE}],
        [{"at": "100%", "notify": LATE}],
        [{"at": "-1h", "notify": LATE}, {"at": "0m", "open_case": "x"}],
    ],
)
def test_a_step_at_the_due_time_is_the_only_event_there(steps: list) -> None:
    play = desk({"id": "fix", "stop": ["request.completed"], "ladder": "steps"}, steps=steps)
    play.happens("received", "2026-03-02 09:00")
    play.waits(None)
    assert len(play.decisions) == 1 + len(steps)
    assert play.clock("fix").breached


def test_a_ladder_without_a_step_at_due_does_not_make_it_silent() -> None:
    steps = [{"at": "-30m", "notify": LATE}, {"at": "+1h", "notify": LATE}]
    play = desk({"id": "fix", "stop": ["request.completed"], "ladder": "steps"}, steps=steps)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 11:00")
    assert play.clock("fix").breached
    play.waits(None)
    assert [d.decided for d in play.decisions[1:]] == [at(f"2026-03-02 {hour}") for hour in ("10:30", "11:00", "12:00")]


def test_clocks_that_are_due_together_become_late_by_one_event() -> None:
    play = desk({"id": "fix"}, {"id": "part", "per": "department"}, {"id": "tell"})
    play.happens("received", "2026-03-02 09:00")
    play.waits(None)
    assert [name for name, clock in play.request.clocks.items() if clock.breached] == ["fix", "part@desk", "tell"]
    assert len(play.decisions) == 2
    assert play.decisions[-1].cancel == ["part@desk/1/due", "tell/1/due"]


def test_a_due_time_set_by_hand_comes_by_itself_and_moves() -> None:
    play = desk({"id": "fix", "stop": ["request.completed"]})
    play.happens("received", "2026-03-02 09:00")
    play.happens("updated", "2026-03-02 09:10", **{"due.fix": "2026-03-02T09:30:00+08:00"})
    play.happens("updated", "2026-03-02 09:20", **{"due.fix": "2026-03-02T09:40:00+08:00"})
    play.waits("2026-03-02 09:39")
    assert not play.clock("fix").breached
    play.waits("2026-03-02 09:40")
    assert play.clock("fix").breached
    play.happens("updated", "2026-03-02 09:50", **{"due.fix": "2026-03-02T12:00:00+08:00"})
    assert not play.clock("fix").breached
    play.waits("2026-03-02 12:00")
    assert play.clock("fix").breached
    assert [update.payload["breached"] for update in updates(play)] == [[], [], [], ["fix"], [], ["fix"]]


def test_a_clock_that_does_not_run_is_not_made_late() -> None:
    play = desk({"id": "fix", "stop": ["request.completed"], "pause_while": ["on_hold"]})
    play.happens("received", "2026-03-02 09:00")
    play.happens("on_hold", "2026-03-02 10:00", actor="agent")
    play.waits("2026-03-03 10:00")
    assert not play.clock("fix").breached
    play.happens("resumed", "2026-03-03 10:00", actor="agent")
    assert [timer.due for timer in play.timers("fix")] == [at("2026-03-03 11:00")]
    done = play.happens("completed", "2026-03-03 10:30", actor="agent")
    assert done.cancel == ["fix/1/due"]
    play.waits(None)
    assert not play.clock("fix").breached


def test_a_request_stored_without_the_timer_gets_it_with_its_next_decision() -> None:
    """As older versions stored it."""
    play = desk({"id": "fix", "stop": ["request.completed"]})
    play.happens("received", "2026-03-02 09:00")
    play.state = replace(play.request, timers={})
    migrated = play.happens("rulebook.activated", "2026-03-02 09:30", **{"rulebook.migrate": True})
    assert [timer.id for timer in migrated.arm] == ["fix/1/due"]


def test_a_reply_told_after_the_due_time_takes_the_lateness_back() -> None:
    play = desk({"id": "fix", "stop": ["request.replied"]})
    play.with_history = True
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 11:00")
    assert play.clock("fix").breached
    decision = play.happens("replied", "2026-03-02 10:50", now="2026-03-02 11:05", actor="agent")
    assert (play.clock("fix").phase, play.clock("fix").breached) == ("stopped", False)
    assert "fix: phase running -> stopped" in "; ".join(flag.message for flag in decision.flags)


@pytest.mark.parametrize("now", ["2026-03-02 10:00", "2026-03-02 12:00"])
def test_a_migration_reaches_a_request_stored_without_the_timer(now: str) -> None:
    play = desk({"id": "fix", "stop": ["request.completed"]})
    play.happens("received", "2026-03-02 09:00")
    play.state = replace(play.request, timers={})
    planned = migration(play.rulebook, play.request, (), at(now))
    assert planned.needed
    play.take(planned.event, at(now))
    assert not migration(play.rulebook, play.request, (), at(now)).needed
    play.waits("2026-03-02 12:00")
    assert play.clock("fix").breached
