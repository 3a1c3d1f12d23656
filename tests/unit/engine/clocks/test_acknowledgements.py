"""An acknowledgement answers the alarms raised before it, of that clock and cycle, and silences nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from answerby.domain.alert import NoticeAlert
from tests.kit.plays import Play, at, flags
from tests.kit.sections import compiled, targets

REPEAT = {"every": "10m", "at_most": 3}


def step(moment: str, role: str = "clerk", **keys: object) -> dict[str, object]:
    notify = {"role": role, "template": "late", "until_acknowledged": True, "urgent": keys.pop("urgent", False)}
    return {"at": moment, "notify": notify, **keys}


def desk(*steps: dict, history: bool = False, clocks: list | None = None, **keys: object) -> Play:
    """A desk with the clocks `answer` (one hour) and `fix` (two hours, six for P3), which share one ladder."""
    one = {"because": "case", "calendar": "always", "ladder": "steps"}
    clocks = clocks or [
        {"id": "answer", "stop": ["request.replied"], **one},
        {"id": "fix", "stop": ["request.completed"], **one},
    ]
    ladder = {"id": "steps", "because": "case", "steps": list(steps), **keys}
    office = {"timezone": "Asia/Shanghai", "weekly": {"mon-fri": ["09:00-18:00"]}}
    goals = (({"priority.asked": "P3"}, {"answer": "1h", "fix": "6h"}), ({}, {"answer": "1h", "fix": "2h"}))
    sections = {"clocks": clocks, "ladders": [ladder], "calendars": {"office": office}}
    return Play(compiled(sections, targets(*goals)), with_history=history)


def begins(play: Play, until: str, time: str = "2026-03-02 09:00") -> Play:
    play.happens("received", time)
    play.waits(f"2026-03-02 {until}")
    return play


def heard(play: Play) -> list[str]:
    """What was told on the second of March, as `hour:minute clock role` in Shanghai."""
    return [
        f"{moment + timedelta(hours=8):%H:%M} {effect.payload['clock']} {effect.role}"
        for moment, effect in play.notices()
    ]


def test_another_clock_is_told_and_the_repeats_of_the_answered_one_end() -> None:
    play = begins(desk(step("0m", repeat=REPEAT)), "10:15")
    play.happens("acknowledged", "2026-03-02 10:15", actor="agent")
    play.waits(None)
    assert heard(play) == [
        *("10:00 answer clerk", "10:10 answer clerk"),
        *("11:00 fix clerk", "11:10 fix clerk", "11:20 fix clerk", "11:30 fix clerk"),
    ]


def test_a_later_step_of_the_same_ladder_is_told_with_all_that_it_does() -> None:
    play = begins(desk(step("-30m"), step("0m", "chief", raise_priority=True, reassign={"department": "lab"})), "09:40")
    play.happens("acknowledged", "2026-03-02 09:40", actor="agent")
    play.waits("2026-03-02 10:00")
    assert heard(play) == ["09:30 answer clerk", "10:00 answer chief"]
    assert (play.request.derived["priority"], play.request.derived["department"]) == ("P1", "lab")


def test_stop_chain_ends_the_ladder_of_the_answered_clock_alone() -> None:
    play = begins(desk(step("0m"), step("+30m", "chief"), on_acknowledgement="stop_chain"), "10:05")
    play.happens("acknowledged", "2026-03-02 10:05", actor="agent")
    play.waits(None)
    assert heard(play) == ["10:00 answer clerk", "11:00 fix clerk", "11:30 fix chief"]
    assert play.clock("answer").breached


@pytest.mark.parametrize("on", ["stop_repeats", "stop_chain"])
def test_before_any_alarm_it_answers_nothing_and_says_so(on: str) -> None:
    play = desk(step("0m", repeat=REPEAT), on_acknowledgement=on)
    play.happens("received", "2026-03-02 09:00")
    decision = play.happens("acknowledged", "2026-03-02 09:05", actor="agent")
    assert flags(decision) == ["ACKNOWLEDGED_NOTHING"]
    assert play.request.acknowledged == at("2026-03-02 09:05")
    play.waits("2026-03-02 10:20")
    assert heard(play) == ["10:00 answer clerk", "10:10 answer clerk", "10:20 answer clerk"]
    decision = play.happens("acknowledged", "2026-03-02 10:25", actor="agent")
    assert flags(decision) == []
    play.waits("2026-03-02 10:59")
    assert len(heard(play)) == 3
    # Who says it a second time has not been left alone with it.
    assert flags(play.happens("acknowledged", "2026-03-02 10:59", actor="agent")) == []


def test_the_same_clock_with_a_later_due_time_is_told_again() -> None:
    play = begins(desk(step("0m", repeat=REPEAT), step("+10m", "chief"), on_acknowledgement="stop_chain"), "11:05")
    play.happens("acknowledged", "2026-03-02 11:05", actor="agent")
    play.happens("updated", "2026-03-02 11:06", **{"priority.asked": "P3"})
    play.waits(None)
    assert [line for line in heard(play) if "fix" in line] == [
        *("11:00 fix clerk", "15:00 fix clerk", "15:10 fix clerk", "15:10 fix chief"),
        *("15:20 fix clerk", "15:30 fix clerk"),
    ]


def test_a_later_cycle_is_told() -> None:
    clock = {"id": "answer", "because": "case", "calendar": "always", "ladder": "steps", "kind": "next_reply"}
    play = desk(step("0m"), on_acknowledgement="stop_chain", clocks=[clock, {**clock, "id": "fix"}])
    play.happens("received", "2026-03-02 09:00")
    play.waits("2026-03-02 10:00")
    play.happens("acknowledged", "2026-03-02 10:01", actor="agent")
    play.happens("replied", "2026-03-02 10:30", actor="agent")
    play.happens("customer_replied", "2026-03-02 10:40")
    play.waits("2026-03-02 12:30")
    assert heard(play) == ["10:00 answer clerk", "11:40 answer clerk"]


def test_one_clock_can_be_named() -> None:
    play = begins(desk(step("0m", repeat=REPEAT)), "11:05")
    play.happens("acknowledged", "2026-03-02 11:05", actor="agent", acknowledged__clock="fix")
    assert list(play.request.answers) == ["fix"]
    assert "acknowledged.clock" not in play.request.given
    play.waits("2026-03-02 11:25")
    assert [line for line in heard(play) if line > "11:05"] == []
    nothing = play.happens("acknowledged", "2026-03-02 11:25", actor="agent", acknowledged__clock="answer")
    assert not flags(nothing, "ACKNOWLEDGED_NOTHING")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("anwser", "acknowledged.clock: there is no clock anwser (did you mean answer?); nothing was answered"),
        ("repair", "acknowledged.clock: there is no clock repair (known: answer, fix); nothing was answered"),
        ("fix", "no alarm of clock fix had been raised; whatever is raised from now on is told"),
    ],
)
def test_a_clock_that_does_not_exist_is_told_from_one_without_an_alarm(name: str, told: str) -> None:
    play = begins(desk(step("0m")), "10:05")
    nothing = play.happens("acknowledged", "2026-03-02 10:05", actor="agent", acknowledged__clock=name)
    assert flags(nothing, "ACKNOWLEDGED_NOTHING") == [told]
    assert not play.request.answers


def test_an_alarm_that_waits_for_the_morning_is_not_answered_in_the_night() -> None:
    quiet = {"calendar": "office", "then": "next_opening"}
    play = desk(step("0m", repeat={"every": "1h", "at_most": 30}), quiet_hours=quiet, on_acknowledgement="stop_chain")
    play.happens("received", "2026-03-02 17:30")
    play.waits("2026-03-02 19:00")
    assert flags(play.happens("acknowledged", "2026-03-02 19:05", actor="agent")) == ["ACKNOWLEDGED_NOTHING"]
    play.waits("2026-03-03 09:00")
    assert heard(play)[0] == "09:00 answer clerk"


def test_an_acknowledgement_that_lapses_begins_its_own_ladder_again() -> None:
    play = begins(desk(step("0m"), acknowledgement_lasts="30m"), "10:05")
    play.happens("acknowledged", "2026-03-02 10:05", actor="agent")
    play.waits("2026-03-02 13:00")
    lines = heard(play)
    # What `fix` had raised is not answered, and lapses not.
    assert [line for line in lines if "fix" in line] == ["11:00 fix clerk"]
    assert [line for line in lines if "answer" in line] == [
        *("10:00 answer clerk", "10:35 answer acknowledger", "10:35 answer clerk")
    ]
    assert (play.request.acknowledged, play.request.answers) == (None, {})


def test_a_ladder_is_climbed_again_unless_its_last_alarm_was_answered() -> None:
    for answered, again in (("09:40", ["11:00 answer chief"]), ("10:05", [])):
        play = begins(
            desk(step("-30m"), step("0m", "chief"), climb_again={"from_step": 2, "every": "1h", "at_most": 1}), answered
        )
        play.happens("acknowledged", f"2026-03-02 {answered}", actor="agent")
        play.waits("2026-03-02 11:00")
        assert [line for line in heard(play) if line > "10:00 answer chief" and "answer" in line] == again


def test_reopening_lets_everything_be_told_again() -> None:
    play = begins(desk(step("0m", repeat=REPEAT), on_acknowledgement="stop_chain"), "10:05")
    play.happens("acknowledged", "2026-03-02 10:05", actor="agent")
    play.happens("reopened", "2026-03-02 10:06")
    play.waits("2026-03-02 10:30")
    assert heard(play) == [f"10:{minute:02} answer clerk" for minute in (0, 10, 20, 30)]


def test_an_acknowledgement_told_late_answers_what_it_had_heard() -> None:
    """At 10:25 we learn of an acknowledgement at 09:50 and of one at 10:15."""
    for time, more in (("09:50", ["10:30 answer clerk"]), ("10:15", [])):
        play = begins(desk(step("0m", repeat=REPEAT), history=True), "10:25")
        play.happens("acknowledged", f"2026-03-02 {time}", now="2026-03-02 10:25", actor="agent")
        play.waits("2026-03-02 10:59")
        wrong = [e.key for e in play.decisions[3].effects if e.key.startswith("correction/")]
        assert [line for line in heard(play) if line > "10:25" and "10:25" not in line] == more, (time, wrong)


def test_the_one_acknowledgement_of_an_older_version_answers_what_had_fired() -> None:
    play = begins(desk(step("0m", repeat=REPEAT), on_acknowledgement="stop_chain"), "10:05")
    play.state = replace(play.request, acknowledged=at("2026-03-02 10:05"), acknowledged_by="ana", answers=None)
    play.waits(None)
    assert [line for line in heard(play) if "answer" in line] == ["10:00 answer clerk"]
    assert next(line for line in heard(play) if "fix" in line) == "11:00 fix clerk"
    assert play.request.answers["answer"].by == "ana"


def test_the_alarm_of_a_rule_is_an_alarm_too() -> None:
    play = desk(step("0m"))
    play.happens("received", "2026-03-02 09:00")
    play.state = replace(play.request, alerts=[NoticeAlert("late", "guard")])
    assert flags(play.happens("acknowledged", "2026-03-02 09:05", actor="agent")) == []
