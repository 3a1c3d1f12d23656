"""An event that is dated ahead counts when it is received. A clock of one hour, and a request of 10:00."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from answerby.engine.compiled.rulebook import CompiledRulebook
from tests.kit.examples import examples
from tests.kit.histories import Coming, histories
from tests.kit.plays import Play, at, flags
from tests.kit.sections import compiled, targets
from tests.unit.engine.clocks.test_invariants import (
    FACTS,
    KINDS,
    LADDER_OF,
    MINUTE,
    START,
    STEPS,
    life,
    running,
    stretches,
    various,
)


@pytest.fixture(scope="module")
def rulebook() -> CompiledRulebook:
    clock = {"id": "fix", "because": "x", "calendar": "always", "stop": ["request.completed"], "ladder": "usual"}
    step = {"at": "0m", "notify": {"role": "chief", "template": "late"}}
    sections = {
        "clocks": [{**clock, "pause_while": ["on_hold"]}],
        "ladders": [{"id": "usual", "because": "x", "steps": [step]}],
    }
    return compiled(sections, targets(({}, {"fix": "1h"})))


def test_an_event_dated_ahead_counts_when_it_is_received_and_says_both_times(rulebook) -> None:
    """Due at 11:00 local time; at 10:10 a completion is told that is dated a year later."""
    play = Play(rulebook, with_history=True)
    play.happens("received", "2026-03-02 10:00")
    decision = play.happens("completed", "2027-03-02 10:10", now="2026-03-02 10:10", actor="agent")

    assert (decision.event_time, decision.state.last_event) == (at("2026-03-02 10:10"), at("2026-03-02 10:10"))
    assert [c.name for c in decision.clocks if c.breached] == []
    assert (decision.state.clocks["fix"].phase, decision.state.clocks["fix"].stopped) == (
        "stopped",
        at("2026-03-02 10:10"),
    )
    (said,) = [flag.message for flag in decision.flags if flag.code == "IN_THE_FUTURE"]
    assert "2027-03-02" in said
    assert "2026-03-02" in said
    assert play.events[-1].stated == at("2027-03-02 10:10")


@pytest.mark.parametrize(("ahead", "flagged"), [("10:15", False), ("10:16", True)])
def test_a_clock_a_few_minutes_fast_is_no_flag(rulebook, ahead, flagged) -> None:
    play = Play(rulebook)
    play.happens("received", "2026-03-02 10:00")
    decision = play.happens("updated", f"2026-03-02 {ahead}", now="2026-03-02 10:10")

    assert ("IN_THE_FUTURE" in flags(decision)) is flagged
    assert decision.event_time == at("2026-03-02 10:10")


def test_the_alarm_of_the_due_time_comes_after_an_update_that_is_dated_behind_it(rulebook) -> None:
    play = Play(rulebook, with_history=True)
    play.happens("received", "2026-03-02 10:00")
    early = play.happens("updated", "2026-03-02 13:00", now="2026-03-02 10:10")
    assert [c.name for c in early.clocks if c.breached] == []
    play.waits("2026-03-02 12:00")

    assert [(moment, e.role) for moment, e in play.notices()] == [(at("2026-03-02 11:00"), "chief")]
    assert [c.name for c in play.decisions[-1].clocks if c.breached] == ["fix"]


def test_a_hold_that_is_dated_ahead_holds_from_now_and_moves_the_due_time_by_its_length(rulebook) -> None:
    play = Play(rulebook, with_history=True)
    play.happens("received", "2026-03-02 10:00")
    held = play.happens("on_hold", "2026-03-02 13:00", now="2026-03-02 10:10", actor="agent")
    assert [(c.phase, c.breached) for c in held.clocks] == [("paused", False)]
    play.happens("resumed", "2026-03-02 10:40", actor="agent")

    assert play.due("fix") == at("2026-03-02 11:30")
    play.waits("2026-03-02 12:00")
    assert [moment for moment, _ in play.notices()] == [at("2026-03-02 11:30")]


AHEAD = histories(
    KINDS,
    FACTS,
    starts=[START],
    most=9,
    gap=150,
    late=[timedelta()] * 2 + [timedelta(seconds=-1), -4 * MINUTE, -170 * MINUTE, -timedelta(days=400)],
)
"""Some events say that they happen later than they are told."""


@pytest.fixture(scope="module")
def many_clocks() -> CompiledRulebook:
    return various()


@examples(200)
@given(history=AHEAD, with_history=st.booleans())
def test_no_event_that_is_dated_ahead_makes_a_clock_late_early_or_loses_an_alarm(
    many_clocks, history, with_history
) -> None:
    moments = life(many_clocks, history, with_history=with_history)
    told = {(m.at, *first) for m in moments for first in m.firsts()}
    for moment, until in stretches(moments):
        known = moment.before.clocks if moment.before is not None else {}
        for each in moment.after.clocks.values():
            was_late = each.name in known and known[each.name].breached and known[each.name].cycle == each.cycle
            if each.breached and not was_late and each.due is not None:
                assert each.due <= moment.at, "late before its due time"
        for each in running(moment.after):
            assert each.breached == (each.due <= moment.at)
            for number, offset in STEPS.get(LADDER_OF[each.name], {}).items():
                if moment.at < each.due + offset <= until and LADDER_OF[each.name] != "chain":
                    assert (each.due + offset, each.name, number) in told


@examples(200)
@given(history=AHEAD, with_history=st.booleans())
def test_an_event_that_is_dated_ahead_counts_as_if_it_happened_when_it_was_told(
    many_clocks, history, with_history
) -> None:
    dated = life(many_clocks, history, with_history=with_history)
    same = [Coming(at, replace(event, time=min(event.time, at))) for at, event in history]
    undated = life(many_clocks, same, with_history=with_history)

    assert [moment.after for moment in dated] == [moment.after for moment in undated]
    assert [moment.decision.effects for moment in dated] == [moment.decision.effects for moment in undated]
