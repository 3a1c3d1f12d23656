"""Targets that no calendar can hold: the safe side counts, with a flag, and no event is lost."""

import pytest

from answerby.engine.memory.steps import RememberingSteps
from tests.kit.plays import Play, at
from tests.kit.rulebooks import compiled

FILES = {
    "rulebook.yaml": """
rulebook:
  stages:
    sla: {hit: collect, on_error: {sla.resolution: 1h}}
    routing: {hit: first, default: {department: desk, role: agent}, on_error: {department: desk}}
  departments: {desk: D}
  roles: {agent: Agent}
  numbering: {timezone: Asia/Shanghai, default_code: D}
""",
    "fields.yaml": """
fields:
  urgency: {type: enum, values: [low, high], default: low}
  department: {type: enum, values: [desk], derived_by: routing}
  role: {type: string, derived_by: routing}
""",
    "day.yaml": 'calendar: {id: day, timezone: Asia/Shanghai, weekly: {mon-fri: ["09:00-17:00"]}}',
    "night.yaml": """
calendar: {id: night, timezone: Asia/Shanghai, weekly: {mon-fri: ["18:00-23:00"]}, within: [day]}
""",
    "minute.yaml": 'calendar: {id: minute, timezone: Asia/Shanghai, weekly: {mon: ["09:00-09:01"]}}',
    "fair.yaml": """
calendar: {id: fair, timezone: Asia/Shanghai, weekly: {mon: []}, overrides: {"2026-03-02": ["09:00-17:00"]}}
""",
    "clocks.yaml": """
clocks:
  - {id: resolution, because: x, calendar: night, stop: [request.completed], pause_while: [on_hold], retarget_from: now}
  - {id: answer, because: x, calendar: minute, stop: [request.replied], ladder: tell}
  - {id: stand, because: x, calendar: fair, stop: [request.replied], ladder: tell}
ladders:
  - id: tell
    because: x
    quiet_hours: {calendar: night, then: next_opening}
    steps:
      - {at: 50%, notify: {roles: [agent], template: t}}
      - {at: +1bd, notify: {roles: [agent], template: t}}
templates: {t: {en: late}}
""",
    "sla.yaml": """
stage: sla
rules:
  - {id: high, because: x, when: {urgency: high}, then: {sla.resolution: 2h}}
  - {id: low, because: x, when: {urgency: low}, then: {sla.resolution: 6h}}
  - {id: all, because: x, then: {sla.answer: 9000h, sla.stand: 4h}}
""",
}
OUT_OF_REACH = "TARGET_OUT_OF_REACH"


@pytest.fixture(params=["anew", "remembered"])
def play(request):
    rulebook = compiled(FILES)
    return Play(rulebook) if request.param == "anew" else Play(rulebook, steps=RememberingSteps(rulebook))


def messages(decision):
    return sorted(flag.message for flag in decision.flags if flag.code == OUT_OF_REACH)


def clock(play, name):
    return play.state.clocks[name]


def test_the_safe_side_counts_around_the_clock_where_its_calendar_is_no_better(play):
    decision = play.happens("received", "2026-03-02 10:00", urgency="low")
    assert clock(play, "resolution").due == at("2026-03-02 11:00")
    assert messages(decision) == [
        "answer: calendar minute has too little working time for 9000h minute; 9000h always counts",
        "resolution: calendar night has too little working time for 6h night; 1h always counts",
    ]


def test_without_a_safe_side_the_target_counts_around_the_clock(play):
    play.happens("received", "2026-03-02 10:00")
    # 9000 hours are 375 days.
    assert clock(play, "answer").due == at("2027-03-12 10:00")


def test_a_clock_on_the_safe_side_pauses_goes_on_and_is_met(play):
    play.happens("received", "2026-03-02 10:00")
    play.happens("on_hold", "2026-03-02 10:30")
    play.happens("resumed", "2026-03-02 12:30")
    assert (clock(play, "resolution").cycle, clock(play, "resolution").due) == (1, at("2026-03-02 13:00"))
    play.happens("updated", "2026-03-02 12:40", urgency="high")
    assert (clock(play, "resolution").cycle, clock(play, "resolution").due) == (1, at("2026-03-02 13:00"))
    play.happens("completed", "2026-03-02 12:50", actor="agent")
    assert (clock(play, "resolution").phase, clock(play, "resolution").breached) == ("stopped", False)


def test_a_calendar_that_has_run_out_does_not_hold_back_reminders(play):
    decision = play.happens("received", "2026-03-02 12:00")
    # Half of four hours; the fair never opens again, so a working day later is a day later.
    assert {t.id: t.due for t in decision.arm if t.clock == "stand" and t.step >= 0} == {
        "stand/1/0/0": at("2026-03-02 14:00"),
        "stand/1/1/0": at("2026-03-03 16:00"),
    }
    fired = play.fires("stand/1/0/0", "2026-03-02 14:00")
    assert [effect.kind for effect in fired.effects if effect.kind == "notify"] == ["notify"]


def test_a_calendar_that_has_run_out_before_the_request(play):
    decision = play.happens("received", "2026-03-03 10:00")
    assert clock(play, "stand").due == at("2026-03-03 14:00")
    assert "stand: calendar fair has too little working time for 4h fair; 4h always counts" in messages(decision)
