"""Ladders and values set by hand: the person wins, whichever came first, and the explanation names who decided.

The rules are those of test_raise: P2 by default, raised at 12:00 when the first response is late.
"""

import pytest
from msgspec.structs import replace

from answerby.domain.decision import StageOutcome
from answerby.engine.explanation.decision_text import explain_text
from answerby.engine.history.steps import PLAIN
from answerby.engine.memory.requests import RememberingRequests
from answerby.engine.memory.steps import RememberingSteps
from tests.kit.encoding import decision_bytes
from tests.kit.plays import Play, at, clock
from tests.unit.engine.clocks.test_raise import raised, rules

TWO_STEPS = "{at: 0m, raise_priority: true}, {at: +1h, raise_priority: true, reassign: {department: lab, role: boss}}"


def stage(decision, name):
    return next(stage for stage in decision.explanation if stage.stage == name)


def flags(decision, code="LADDER_HELD"):
    return [flag.message for flag in decision.flags if flag.code == code]


def update(decision):
    return next(effect.payload for effect in decision.effects if effect.kind == "update_request")


def begun(**facts):
    """A request of 09:00 with these facts, after its ladder has climbed."""
    play = Play(rules(TWO_STEPS, routing=""), with_history=True)
    play.happens("received", "2026-03-02 09:00", **facts)
    play.waits(at("2026-03-02 13:00"))
    return play


def test_a_person_may_lower_what_a_ladder_raised():
    play = raised()
    lowered = play.happens("updated", "2026-03-02 12:30", actor="agent", override__priority="P2")
    assert lowered.facts["priority"] == "P2"
    # P2 has 10 hours from 09:00.
    assert clock(lowered, "resolution").due == at("2026-03-02 19:00")

    priority = stage(lowered, "priority")
    assert priority.outcome is StageOutcome.BY_HAND
    assert [reference.id for reference in priority.won] == ["override.priority"]
    assert [reference.id for reference in priority.lost] == ["ladder.climb#1"]

    again = play.happens("updated", "2026-03-02 12:40", actor="agent", override__priority=None)
    assert again.facts["priority"] == "P1"


def test_a_ladder_raises_nothing_that_was_set_by_hand_and_says_so():
    play = begun(override__priority="P2", override__department="desk")
    first, second = (decision for decision in play.decisions if flags(decision))
    assert [decision.event_time for decision in (first, second)] == [at("2026-03-02 12:00"), at("2026-03-02 13:00")]
    assert flags(first) == [
        "priority stays P2, set by hand; step 1 of ladder climb (clock first_response) would make it P1"
    ]
    assert flags(second) == [
        "department stays desk, set by hand; step 2 of ladder climb (clock first_response) would make it lab",
        "priority stays P2, set by hand; step 2 of ladder climb (clock first_response) would make it P1",
    ]
    assert (second.facts["priority"], second.facts["department"], second.facts["role"]) == ("P2", "desk", "boss")
    assert [f for f in update(first)["flags"] if f.startswith("LADDER_HELD")]

    cleared = play.happens("updated", "2026-03-02 13:10", actor="agent", override__priority=None)
    assert cleared.facts["priority"] == "P2"
    assert not flags(cleared)


def test_a_step_that_wants_what_the_person_wants_is_told_too():
    """Once the value is cleared, the step is not made up for. Nobody could tell why without the flag."""
    play = begun(override__priority="P1", override__department="lab", override__role="boss")
    first, second = (decision for decision in play.decisions if flags(decision))
    step = "step 2 of ladder climb (clock first_response)"
    assert flags(first) == [
        "priority stays P1, set by hand; step 1 of ladder climb (clock first_response) would make it P0"
    ]
    assert flags(second) == [
        f"department stays lab, set by hand; {step} is not done, and wants the same",
        f"role stays boss, set by hand; {step} is not done, and wants the same",
        f"priority stays P1, set by hand; {step} would make it P0",
    ]
    cleared = play.happens("updated", "2026-03-02 13:10", actor="agent", override__department=None)
    assert cleared.facts["department"] == "desk"


def test_the_step_that_gave_a_value_stays_named_when_a_later_one_gives_the_same():
    steps = f"{TWO_STEPS}, {{at: +2h, raise_priority: true, reassign: {{department: lab, role: boss}}}}"
    play = Play(rules(steps, routing=""), with_history=True)
    play.happens("received", "2026-03-02 09:00")
    play.waits(at("2026-03-02 14:00"))
    last = play.decisions[-1]
    assert last.event_time == at("2026-03-02 14:00")
    assert (last.facts["priority"], last.facts["department"]) == ("P0", "lab")
    assert [reference.id for reference in stage(last, "priority").won] == ["ladder.climb#2"]
    assert [reference.id for reference in stage(last, "routing").won] == ["ladder.climb#2"]


def test_a_value_that_is_refused_holds_nothing():
    play = begun(override__priority="P9")
    assert play.request.derived["priority"] == "P0"
    assert not any(flags(decision) for decision in play.decisions)


def test_the_explanation_names_the_step_of_the_ladder():
    play = raised()
    priority = stage(play.decisions[-1], "priority")
    assert priority.outcome is StageOutcome.BY_LADDER
    (step,) = priority.won
    assert (step.id, step.file, step.line, step.because, step.clock) == (
        "ladder.climb#1",
        "ladders.yaml",
        2,
        "x",
        "first_response",
    )
    assert step.outputs == {"priority": "P1"}
    assert update(play.decisions[-1])["because"][0] == "x (ladder.climb#1)"

    text, chinese = (explain_text(play.decisions[-1], language) for language in ("en", "zh"))
    assert (
        "priority: priority=P1 (priority set by a ladder)\n"
        "  won: ladder.climb#1 [ladders.yaml:2] x (clock first_response)\n" in text
    )
    assert "priority: priority=P1 (priority 由升级阶梯给出)\n" in chinese


def test_a_rule_that_gave_another_value_has_not_won():
    play = Play(rules(TWO_STEPS, routing=""))
    play.happens("received", "2026-03-02 09:00", vip=True)
    play.waits(at("2026-03-02 12:00"))
    priority = stage(play.decisions[-1], "priority")
    assert play.request.derived["priority"] == "P0"
    assert [reference.id for reference in priority.won] == ["ladder.climb#1"]
    assert [reference.id for reference in priority.lost] == ["vip"]
    assert update(play.decisions[-1])["because"][:1] == ["x (ladder.climb#1)"]
    assert not any("vip" in reason for reason in update(play.decisions[-1])["because"])


def test_a_rule_keeps_what_nothing_replaced():
    play = Play(rules())
    decision = play.happens("received", "2026-03-02 09:00", vip=True, override__department="lab")
    routing = stage(decision, "routing")
    assert routing.outcome is StageOutcome.MATCHED
    assert [reference.id for reference in routing.won] == ["override.department", "high"]
    assert "routing: department=lab, role=expert (department set by hand; otherwise decided by rules)" in explain_text(
        decision
    )


def test_a_default_beside_a_value_set_by_hand_stays_a_default():
    play = Play(rules())
    decision = play.happens("received", "2026-03-02 09:00", override__department="lab")
    expected = "(department set by hand; otherwise no rule matched, the default was taken)"
    assert f"routing: department=lab, role=agent {expected}" in explain_text(decision)
    assert stage(decision, "routing").outcome is StageOutcome.DEFAULTED


def test_one_step_is_named_once_for_all_that_it_gave():
    play = begun()
    (owner, *_) = stage(play.decisions[-1], "routing").won
    assert (owner.id, owner.outputs) == ("ladder.climb#2", {"department": "lab", "role": "boss"})


def test_a_request_of_an_older_version_does_not_know_the_step():
    play = raised()
    play.state = replace(play.request, ladder_acts={})
    (step,) = stage(play.happens("updated", "2026-03-02 12:30"), "priority").won
    assert (step.id, step.file, step.because) == ("ladder.priority", "", "Set by a ladder.")


@pytest.mark.parametrize("memory", ["stages", "requests"])
@pytest.mark.parametrize("before", [{}, {"override__priority": "P2"}, {"vip": True, "override__role": "boss"}])
def test_with_a_memory_the_bytes_are_the_same(memory, before):
    compiled = rules(TWO_STEPS, routing="")
    steps = RememberingSteps(compiled)
    plays = [
        Play(compiled, with_history=True, steps=kind)
        for kind in (PLAIN, steps if memory == "stages" else RememberingRequests(steps))
    ]
    for play in plays:
        play.happens("received", "2026-03-02 09:00", **before)
        play.waits(at("2026-03-02 12:30"))
        play.happens("updated", "2026-03-02 12:30", actor="agent", override__priority="P0")
        play.happens("updated", "2026-03-02 12:31", actor="agent")
        play.waits(at("2026-03-02 14:00"))
        play.happens("updated", "2026-03-02 14:00", actor="agent", override__priority=None)
        play.happens("updated", "2026-03-02 11:00", now="2026-03-02 14:01", actor="agent", override__priority="P1")
    assert decision_bytes(plays[0].decisions) == decision_bytes(plays[1].decisions)
