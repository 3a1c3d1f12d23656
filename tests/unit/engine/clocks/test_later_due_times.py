"""A due time that became later is a new one: warned, told and late again. The same due time is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from answerby.domain.effect import EffectKind
from tests.kit.plays import Play, effects
from tests.kit.sections import compiled, targets

OFFICE = {"timezone": "Asia/Shanghai", "weekly": {"mon-fri": ["09:00-18:00"]}}
REPEAT = {"every": "10m", "at_most": 2}


CLOCK = {"id": "fix", "because": "case", "calendar": "always", "stop": ["request.completed"], "ladder": "steps"}
GOALS = (
    ({"priority.asked": "P3"}, {"fix": "6h"}),
    ({"priority.asked": "P1"}, {"fix": "1h"}),
    ({"priority.asked": "P0"}, {"fix": "30m"}),
    ({}, {"fix": "2h"}),
)
"""Two hours, six for P3, one for P1, thirty minutes for P0."""


def desk(*steps: dict, history: bool = False, again: dict | None = None, **keys: object) -> Play:
    """A desk with one clock. `keys` are of the clock, `again` is how its ladder is climbed again."""
    ladder = {"id": "steps", "because": "case", "steps": list(steps), **({"climb_again": again} if again else {})}
    sections = {"clocks": [CLOCK | keys], "ladders": [ladder], "calendars": {"office": OFFICE}}
    return Play(compiled(sections, targets(*GOALS)), with_history=history)


def step(moment: str, role: str = "clerk", **keys: object) -> dict[str, object]:
    return {"at": moment, "notify": {"role": role, "template": "late"}, **keys}


WARN, LATE = step("-30m"), step("0m", "chief")


def heard(play: Play) -> list[str]:
    """What was told, as `day hour:minute role` in Shanghai."""
    return [f"{moment + timedelta(hours=8):%d %H:%M} {effect.role}" for moment, effect in play.notices()]


def asks(play: Play, priority: str, time: str, **keys: object) -> None:
    play.happens("updated", time, **{"priority.asked": priority}, **keys)


def test_told_and_late_again_after_a_retarget() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:00")
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief"]
    asks(play, "P3", "2026-03-02 12:00")
    assert not play.clock("fix").breached
    play.waits(None)
    assert heard(play)[2:] == ["02 14:30 clerk", "02 15:00 chief"]
    assert play.clock("fix").breached
    ids = [event.id for event in play.events]
    assert len(set(ids)) == len(ids)
    written = [e.payload["breached"] for d in play.decisions for e in effects(d, EffectKind.UPDATE_REQUEST)]
    assert written == [[], ["fix"], [], ["fix"]]


def test_several_retargets_in_a_row_tell_once_of_each_due_time_that_comes() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 10:45")
    asks(play, "P3", "2026-03-02 10:45")
    asks(play, "P2", "2026-03-02 10:46")
    asks(play, "P3", "2026-03-02 10:47")
    asks(play, "P2", "2026-03-02 10:48")
    play.waits("2026-03-02 12:00")
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief"]
    asks(play, "P1", "2026-03-02 12:00")
    asks(play, "P2", "2026-03-02 12:01")
    play.waits("2026-03-02 13:00")
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief"]


def test_a_later_due_time_that_has_passed_too_is_told_no_second_time() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00", **{"priority.asked": "P0"})
    play.waits("2026-03-02 10:10")
    assert heard(play) == ["02 09:00 clerk", "02 09:30 chief"]
    asks(play, "P1", "2026-03-02 10:10")
    assert play.clock("fix").breached
    play.waits(None)
    assert len(heard(play)) == 2


def test_a_time_armed_again_is_told_when_it_moves_into_the_past() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00", **{"priority.asked": "P0"})
    play.waits("2026-03-02 10:10")
    asks(play, "P3", "2026-03-02 10:10")
    assert not play.clock("fix").breached
    # Late from 10:00 on, and nobody has heard of that.
    asks(play, "P1", "2026-03-02 10:20")
    play.waits("2026-03-02 10:20")
    assert play.clock("fix").breached
    assert [line[-5:] for line in heard(play)] == ["clerk", "chief", "clerk", "chief"]


def test_by_hand() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:00")
    play.happens("updated", "2026-03-02 12:00", **{"due.fix": "2026-03-02T16:00:00+08:00"})
    play.waits("2026-03-02 16:00")
    play.happens("updated", "2026-03-02 16:01", **{"due.fix": "2026-03-03T16:00:00+08:00"})
    play.waits(None)
    assert heard(play) == [
        f"{day} clerk" if n % 2 == 0 else f"{day} chief"
        for n, day in enumerate(["02 10:30", "02 11:00", "02 15:30", "02 16:00", "03 15:30", "03 16:00"])
    ]


def test_by_a_pause_over_the_night() -> None:
    play = desk(step("-1h"), LATE, calendar="office", pause_while=["on_hold"])
    play.happens("received", "2026-03-02 16:00")
    play.waits("2026-03-02 17:30")
    play.happens("on_hold", "2026-03-02 17:30", actor="agent")
    play.happens("resumed", "2026-03-03 08:00", actor="agent")
    play.waits(None)
    # Half an hour is left. The warning of Monday was for Monday at 18:00.
    assert heard(play) == ["02 17:00 clerk", "03 08:30 clerk", "03 09:30 chief"]


@pytest.mark.parametrize("minute", [30, 31, 45])
def test_a_share_reached_before_a_pause_is_told_once(minute: int) -> None:
    play = desk(step("75%"), LATE, pause_while=["on_hold"])
    play.happens("received", "2026-03-02 09:00")
    play.waits(f"2026-03-02 10:{minute}")
    play.happens("on_hold", f"2026-03-02 10:{minute}", actor="agent")
    play.happens("resumed", "2026-03-02 11:00", actor="agent")
    play.waits(None)
    assert heard(play) == ["02 10:30 clerk", f"02 11:{60 - minute} chief"]


def test_by_reopening_in_the_same_cycle_and_in_a_new_one() -> None:
    for reopen, again in (("continue", ["03 09:30 chief"]), ("new_cycle", ["03 10:30 clerk", "03 11:00 chief"])):
        play = desk(WARN, LATE, kind="resolution", reopen=reopen)
        play.happens("received", "2026-03-02 09:00")
        play.waits("2026-03-02 10:30")
        play.happens("completed", "2026-03-02 10:30", actor="agent")
        play.happens("reopened", "2026-03-03 09:00")
        play.waits(None)
        # With half an hour left, the warning would lie at the very moment of the reopening.
        assert heard(play) == ["02 10:30 clerk", *again]


def test_repeats_count_anew_for_the_new_due_time() -> None:
    play = desk(step("0m", "chief", repeat=REPEAT))
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:00")
    asks(play, "P3", "2026-03-02 12:00")
    play.waits(None)
    assert heard(play) == [f"02 {time} chief" for time in ("11:00", "11:10", "11:20", "15:00", "15:10", "15:20")]


def test_a_change_that_moves_no_due_time_repeats_nothing() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 10:50")
    before = play.state
    play.happens("updated", "2026-03-02 10:50")
    assert play.request.timers == before.timers
    play.waits("2026-03-02 11:00")
    asks(play, "P2", "2026-03-02 11:01")
    play.waits(None)
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief"]


def test_a_retarget_told_late_tells_again_and_takes_nothing_back_that_held() -> None:
    """Known at 12:00: the target became six hours at 10:45, after the warning and before the first due time."""
    play = desk(WARN, LATE, history=True)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:00")
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief"]
    asks(play, "P3", "2026-03-02 10:45", now="2026-03-02 12:00")
    corrections = [e.key for e in play.decisions[-1].effects if e.key.startswith("correction/")]
    assert corrections == ["correction/fix/1/1/0/chief"]
    play.waits("2026-03-02 14:40")
    # An event in between that comes late changes nothing of all that.
    play.happens("updated", "2026-03-02 11:30", now="2026-03-02 14:40")
    assert [e.key for e in play.decisions[-1].effects if e.key.startswith("correction/")] == []
    play.waits(None)
    assert [line for line in heard(play) if line[:8] > "02 12:00"] == ["02 14:30 clerk", "02 15:00 chief"]


def test_late_events_repeat_nothing_of_due_times_told_before() -> None:
    play = desk(WARN, LATE, history=True)
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:00")
    asks(play, "P3", "2026-03-02 12:00")
    play.waits("2026-03-02 15:30")
    assert len(heard(play)) == 4
    fired = play.request.timers
    play.happens("updated", "2026-03-02 10:00", now="2026-03-02 15:30")
    assert play.request.timers == fired
    play.waits(None)
    assert len(heard(play)) == 4


def test_a_ladder_climbed_again_begins_anew_for_the_new_due_time() -> None:
    play = desk(WARN, LATE, again={"from_step": 2, "every": "1h", "at_most": 2})
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 12:30")
    assert heard(play) == ["02 10:30 clerk", "02 11:00 chief", "02 12:00 chief"]
    asks(play, "P3", "2026-03-02 12:30")
    play.waits(None)
    assert heard(play)[3:] == ["02 14:30 clerk", "02 15:00 chief", "02 16:00 chief", "02 17:00 chief"]


def test_a_timer_armed_for_the_past_fires_now_and_not_in_the_past() -> None:
    play = desk(WARN, LATE)
    play.happens("received", "2026-03-02 09:00", **{"priority.asked": "P3"})
    play.happens("updated", "2026-03-02 12:00", **{"priority.asked": "P1"})
    play.waits(None)
    assert heard(play) == ["02 12:00 clerk", "02 12:00 chief"]
    assert play.clock("fix").breached
