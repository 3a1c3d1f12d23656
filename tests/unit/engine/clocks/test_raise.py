"""A ladder that raises the priority or gives the request to another. Expected figures are worked out by hand.

2026-03-02 is a Monday. P2 is to be resolved within 10 hours, P1 within 4, P0 within 1, around the clock; the ladder of
the first response raises the priority.
"""

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import ActorRole
from tests.kit.examples import examples
from tests.kit.plays import Play, at, clock
from tests.kit.rulebooks import compiled

RULEBOOK = """
rulebook:
  stages:
    priority: {hit: first, default: {priority: P2}, on_error: {priority: P0}}
    sla: {hit: collect, on_error: {sla.resolution: 1h}}
    routing: {hit: first, default: {department: desk, role: agent}, on_error: {department: desk}}
  roles: {agent: Agent 客服, expert: Expert 专家, boss: Boss 主管}
  departments: {desk: D, lab: L}
  numbering: {timezone: Asia/Shanghai, default_code: D}
"""
VOCABULARY = """
fields:
  vip: {type: boolean, default: false}
  priority: {type: enum, values: [P2, P1, P0], derived_by: priority}
  department: {type: enum, values: [desk, lab], derived_by: routing}
  role: {type: string, derived_by: routing}
"""
SLA = """
stage: sla
rules:
  - {id: first, because: For all., then: {sla.first_response: 3h}}
  - {id: p2, because: P2., when: {priority: P2}, then: {sla.resolution: 10h}}
  - {id: p1, because: P1., when: {priority: P1}, then: {sla.resolution: 4h, sla.only_high: 2h}}
  - {id: p0, because: P0., when: {priority: P0}, then: {sla.resolution: 1h, sla.only_high: 1h}}
"""
PRIORITY = "stage: priority\nrules:\n  - {id: vip, because: VIP., when: {vip: true}, then: {priority: P1}}\n"
ROUTING = """
stage: routing
rules:
  - {id: high, because: Experts., when: {priority: [P1, P0]}, then: {department: desk, role: expert}}
"""
CLOCKS = """
clocks:
  - {{id: first_response, because: x, stop: [request.replied], ladder: climb}}
  - {{id: resolution, because: x, stop: [request.completed], pause_while: [on_hold]{keys}}}
  - {{id: only_high, because: x, stop: [request.completed]}}
"""
RAISE = "{at: 0m, notify: [{roles: [owner], template: late}, {roles: [boss], template: late}], raise_priority: true}"


@cache
def rules(step=RAISE, keys="", routing=ROUTING, ladder_keys=""):
    return compiled(
        {
            "rulebook.yaml": RULEBOOK,
            "vocabulary.yaml": VOCABULARY,
            "sla.yaml": SLA,
            "priority.yaml": PRIORITY,
            "routing.yaml": routing or "stage: routing\nrules:\n  - {id: all, because: x, then: {role: agent}}\n",
            "clocks.yaml": CLOCKS.format(keys=keys),
            "ladders.yaml": f"ladders:\n  - {{id: climb, because: x, {ladder_keys} steps: [{step}]}}\n",
            "templates.yaml": 'templates: {late: {en: "{number} {department} {role}"}}',
            "night.yaml": "calendar: {id: day, timezone: Asia/Shanghai, weekly: {daily: ['14:00-24:00']}}",
        }
    )


def raised(until="2026-03-02 12:00", **how):
    """A request of 09:00, raised at 12:00 when its first response is late."""
    play = Play(rules(**how), with_history=True)
    play.happens("received", "2026-03-02 09:00")
    play.waits(at(until))
    return play


def notices(decision):
    return [(effect.role, effect.payload["department"]) for effect in decision.effects if effect.kind == "notify"]


def step(play):
    """The decision on the first step that fired."""
    return next(decision for decision in play.decisions if decision.event_type == "timer.due")


def test_a_clock_that_is_not_late_counts_its_new_target_from_the_raise():
    play = raised()
    resolution = play.request.clocks["resolution"]
    # P1 has 4 hours. From 09:00 they would end at 13:00; from the raise they end at 16:00, before 19:00.
    assert (resolution.started, resolution.due, resolution.breached) == (
        at("2026-03-02 09:00"),
        at("2026-03-02 16:00"),
        False,
    )
    assert resolution.cycle == 1
    assert play.request.clocks["only_high"].due == at("2026-03-02 14:00")

    again = play.happens("updated", "2026-03-02 12:30")
    assert clock(again, "resolution").due == at("2026-03-02 16:00")


def test_a_pause_after_the_raise_moves_the_due_time_and_one_before_does_not():
    play = Play(rules())
    play.happens("received", "2026-03-02 09:00")
    play.happens("on_hold", "2026-03-02 10:00", actor="agent")
    play.happens("resumed", "2026-03-02 11:00", actor="agent")
    play.waits(at("2026-03-02 12:00"))
    assert play.request.clocks["resolution"].due == at("2026-03-02 16:00")
    play.happens("on_hold", "2026-03-02 13:00", actor="agent")
    resumed = play.happens("resumed", "2026-03-02 13:30", actor="agent")
    assert clock(resumed, "resolution").due == at("2026-03-02 16:30")


def test_the_late_clock_keeps_its_due_time():
    play = Play(rules("{at: +8h, raise_priority: true}"))
    play.happens("received", "2026-03-02 09:00")
    play.waits(at("2026-03-02 20:30"))

    # Resolution was due at 19:00; the step comes at 20:00, when P1 would have ended at 13:00.
    resolution = play.request.clocks["resolution"]
    assert (play.request.derived["priority"], resolution.due, resolution.breached) == (
        "P1",
        at("2026-03-02 19:00"),
        True,
    )
    assert clock(play.happens("updated", "2026-03-02 21:00"), "resolution").due == at("2026-03-02 19:00")


def test_a_raise_makes_no_due_time_later():
    # The step comes at 18:00. P1 from then ends at 22:00, and 19:00 was promised.
    play = Play(rules("{at: +6h, raise_priority: true}"))
    play.happens("received", "2026-03-02 09:00")
    play.waits(at("2026-03-02 18:00"))
    assert play.request.derived["priority"] == "P1"
    assert play.request.clocks["resolution"].due == at("2026-03-02 19:00")


def test_a_target_that_facts_bring_later_counts_as_always():
    play = raised()
    play.happens("updated", "2026-03-02 12:30", override__priority="P0")
    assert play.request.clocks["resolution"].due == at("2026-03-02 10:00")


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        (", raise_retargets: keep", "2026-03-02 19:00"),
        (", raise_retargets: as_retarget_from", "2026-03-02 13:00"),
        (", raise_retargets: as_retarget_from, retarget_from: now", "2026-03-02 16:00"),
        (", retarget_from: now", "2026-03-02 16:00"),
    ],
)
def test_the_key_says_how_a_raise_moves_a_due_time(keys, due):
    assert raised(keys=keys).request.clocks["resolution"].due == at(due)


def test_a_late_timer_counts_from_when_it_fires():
    play = Play(rules())
    play.happens("received", "2026-03-02 09:00")
    decision = play.fires("first_response/1/0/0", "2026-03-02 14:30")
    # Two hours and a half late: P1 from 12:00 ends at 16:00, and from the raise at 18:30.
    assert clock(decision, "resolution").due == at("2026-03-02 18:30")


def test_whoever_had_the_request_hears_beside_who_has_it_now():
    assert notices(step(raised())) == [("expert", "desk"), ("agent", "desk"), ("boss", "desk")]


def test_nobody_hears_twice_when_the_owner_stays():
    assert notices(step(raised(routing=""))) == [("agent", "desk"), ("boss", "desk")]


def test_a_department_that_loses_the_request_hears_although_the_role_has_the_same_name():
    given = "{at: 0m, notify: {roles: [owner], template: late}, reassign: {department: lab}}"
    decision = step(raised(step=given, routing=""))
    assert notices(decision) == [("agent", "lab"), ("agent", "desk")]
    assert len({effect.key for effect in decision.effects}) == len(decision.effects)


def test_who_is_told_anyway_is_not_told_twice():
    given = "{at: 0m, notify: {roles: [owner, agent], template: late}, reassign: {role: boss}}"
    assert sorted(notices(step(raised(step=given, routing="")))) == [("agent", "desk"), ("boss", "desk")]


def test_a_step_that_tells_others_tells_who_loses_the_request_too():
    given = "{at: 0m, notify: {roles: [boss], template: late}, reassign: {role: expert}}"
    assert notices(step(raised(step=given, routing=""))) == [("boss", "desk"), ("agent", "desk")]


def test_a_step_that_says_nothing_tells_both_in_words_of_its_own():
    decision = step(raised(step="{at: 0m, reassign: {department: lab, role: expert}}", routing=""))
    told = {effect.role: effect.payload for effect in decision.effects if effect.kind == "notify"}
    assert told.keys() == {"agent", "expert"}
    assert told["agent"]["text.en"].endswith("was given by an escalation from Agent 客服 to Expert 专家.")
    assert "转交" in told["expert"]["text.zh"]


def test_a_repeat_is_for_the_new_owner_alone():
    given = (
        "{at: 0m, notify: {roles: [owner], template: late}, reassign: {role: expert}, repeat: {every: 1h, at_most: 2}}"
    )
    play = raised(until="2026-03-02 13:00", step=given, routing="")
    fired = [notices(decision) for decision in play.decisions if decision.event_type == "timer.due"]
    assert fired == [[("expert", "desk"), ("agent", "desk")], [("expert", "desk")]]


@pytest.mark.parametrize("then", ["next_opening", "digest"])
def test_in_quiet_hours_both_hear_at_the_opening(then):
    given = "{at: 0m, notify: {roles: [owner], template: late}, reassign: {role: expert}}"
    quiet = f"quiet_hours: {{calendar: day, then: {then}}},"
    play = raised(until="2026-03-02 14:00", step=given, routing="", ladder_keys=quiet)
    fired = [notices(decision) for decision in play.decisions if decision.event_type == "timer.due"]
    assert [sorted(told) for told in fired] == [[], [("agent", "desk"), ("expert", "desk")]]


def test_a_step_that_a_late_answer_takes_back_is_corrected_for_both():
    play = raised()
    decision = play.happens("replied", "2026-03-02 11:00", now="2026-03-02 13:00", actor="agent")
    corrected = [effect.role for effect in decision.effects if effect.key.startswith("correction/first_response")]
    assert sorted(corrected) == ["agent", "boss", "expert"]
    assert decision.facts["priority"] == "P2"
    assert clock(decision, "resolution").due == at("2026-03-02 19:00")


KINDS = ("updated", "on_hold", "resumed", "replied", "customer_replied", "completed")
SHIFTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 90), st.integers(0, 120)), max_size=6)


@examples(60)
@given(SHIFTS)
def test_no_step_moves_a_due_time_into_the_past(shifts):
    every = "{at: 50%, raise_priority: true}, {at: 0m, raise_priority: true, reassign: {role: boss}}"
    play = Play(rules(every))
    time = at("2026-03-02 09:00")
    play.happens("received", time)
    for kind, minutes, waits in shifts:
        time = time.fromtimestamp(time.timestamp() + 60 * minutes, tz=time.tzinfo)
        play.waits(time)
        play.happens(kind, time, actor=ActorRole.CUSTOMER if kind == "customer_replied" else ActorRole.AGENT)
        time = time.fromtimestamp(time.timestamp() + 60 * waits, tz=time.tzinfo)
        play.waits(time)
    before = {}
    for decision in play.decisions:
        for now in decision.clocks:
            was = before.get(now.name)
            if decision.event_type == "timer.due" and was is not None and was.due is not None and now.due is not None:
                assert now.due == was.due or decision.decided < now.due < was.due, (decision.event_id, now.name)
        before = {now.name: now for now in decision.clocks}


def shape(play):
    """What the request has come to, without what was sent."""
    clocks = {
        name: (clock.phase, clock.started, clock.due, clock.stopped, clock.breached)
        for name, clock in play.request.clocks.items()
    }
    return clocks, play.request.derived


def fired(play):
    return {timer.id for timer in play.request.timers.values() if timer.fired}


TOLD = st.lists(
    st.tuples(st.sampled_from(KINDS[:4]), st.integers(1, 120), st.sampled_from([0, 0, 30, 200]), st.booleans()),
    max_size=5,
)


@examples(100)
@given(TOLD)
def test_the_request_ends_the_same_in_any_order_if_the_same_steps_fired(told):
    every = "{at: 50%, raise_priority: true}, {at: 0m, raise_priority: true, reassign: {role: boss}}"
    events, time = [], at("2026-03-02 09:00")
    for number, (kind, minutes, late, vip) in enumerate(told):
        time += timedelta(minutes=minutes)
        events.append((time, time + timedelta(minutes=late), number, kind, {"vip": vip} if kind == "updated" else {}))
    end = time + timedelta(hours=20)
    ordered, late_play = (Play(rules(every), with_history=True) for _ in range(2))
    for play, arrival in ((ordered, 0), (late_play, 1)):
        play.happens("received", "2026-03-02 09:00")
        for event in sorted(events, key=lambda each: (each[arrival], each[2])):
            play.waits(event[arrival])
            name, facts = f"e{event[2]}", event[4]
            play.happens(event[3], event[0], now=event[arrival], actor="agent", name=name, **facts)
        play.waits(end)
        # One event more, told late, decides all again.
        play.happens("updated", "2026-03-02 09:00", now=end + timedelta(minutes=1), actor="agent", name="last")
    if fired(ordered) == fired(late_play):
        assert shape(ordered) == shape(late_play)


def test_a_step_that_could_only_fire_late_makes_a_difference_until_the_history_is_decided_again():
    ordered, late_play = (Play(rules("{at: 0m, raise_priority: true}"), with_history=True) for _ in range(2))
    ordered.happens("received", "2026-03-02 09:00")
    ordered.happens("updated", "2026-03-02 10:00")
    ordered.waits(at("2026-03-02 12:00"))
    late_play.happens("updated", "2026-03-02 10:00")
    late_play.happens("received", "2026-03-02 09:00", now="2026-03-02 13:00")
    late_play.fires("first_response/1/0/0", "2026-03-02 13:00")

    # In order the step fires at 12:00; told at 13:00, it fires then, and P1 counts from there.
    assert ordered.request.clocks["resolution"].due == at("2026-03-02 16:00")
    assert late_play.request.clocks["resolution"].due == at("2026-03-02 17:00")
    late_play.happens("updated", "2026-03-02 09:30", now="2026-03-02 13:30", actor="agent")
    assert late_play.request.clocks["resolution"].due == at("2026-03-02 16:00")
