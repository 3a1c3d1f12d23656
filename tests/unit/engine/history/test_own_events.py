"""Events of answerby's own are never late: their time is when a clock was due, not when something happened."""

from tests.kit.plays import Play, at
from tests.unit.engine.clocks.test_raise import rules


def codes(decision):
    return {flag.code for flag in decision.flags}


def test_a_timer_of_a_due_time_that_moved_into_the_past_is_not_out_of_order():
    play = Play(rules("{at: 0m, notify: {roles: [owner], template: late}}"), with_history=True)
    play.happens("received", "2026-03-02 09:00")
    # P1 has four hours from 09:00, and they are over at 13:00.
    play.happens("updated", "2026-03-02 14:00", actor="agent", vip=True)
    timers = [timer for timer in play.request.timers.values() if not timer.fired and timer.due < at("2026-03-02 14:00")]
    assert timers
    for timer in timers:
        fired = play.fires(timer.id, "2026-03-02 14:01")
        assert not codes(fired) & {"OUT_OF_ORDER", "BEFORE_REQUEST"}


def test_an_event_of_others_still_is():
    play = Play(rules())
    play.happens("received", "2026-03-02 09:00")
    play.happens("updated", "2026-03-02 10:00", actor="agent")
    assert "OUT_OF_ORDER" in codes(play.happens("updated", "2026-03-02 09:30", actor="agent"))
