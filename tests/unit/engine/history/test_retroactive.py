"""Late and corrected events: what was decided is decided again in order, and what was said is taken back aloud.

Shanghai time; the office works Monday to Friday 09:00-18:00. Figures are worked out by hand.
"""

from datetime import timedelta
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import ActorRole, Event
from answerby.domain.timer_event import timer_event
from answerby.engine.case import Context
from answerby.engine.clocks.virtual_clock import next_timer
from answerby.engine.decide import decide
from answerby.engine.history.refold import MOST_EVENTS
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.plays import Play, at, clock, effects, flags
from tests.kit.rulebooks import OFFICE, compiled, variant

CLOCKS = """
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner, ladder: usual}
  - {id: resolution, because: solve, calendar: office, stop: [request.completed], pause_while: [on_hold], role: owner}
  - id: next_reply
    because: nobody waits
    calendar: office
    start: [request.customer_replied]
    stop: [request.replied]
    role: owner
  - {id: blocked, because: report, calendar: office, start: [request.blocked], stop: [request.progress_reported], role: chief, task: report}
"""
SLA = """
stage: sla
rules:
  - {id: fast, because: minutes count, rank: 1, when: {priority: P0}, then: {sla.first_response: {within: 15m, calendar: always}}}
  - {id: normal, because: usual, rank: 2, then: {sla.first_response: 4h}}
  - {id: solve-fast, because: VIPs first, rank: 1, when: {priority: [P1, P0]}, then: {sla.resolution: 8h}}
  - {id: solve, because: usual, rank: 2, then: {sla.resolution: 3bd}}
  - {id: answer, because: usual, then: {sla.next_reply: 2h, sla.blocked: 2h}}
"""
RULES = {"clocks": CLOCKS, "sla": SLA}


@pytest.fixture(scope="module")
def rulebook():
    found = compiled(variant(OFFICE, **RULES), "durable")
    yield found
    found.matcher.close()


@pytest.fixture(scope="module")
def begin(rulebook):
    """Begins one request whose whole history is at hand, as a server has it."""
    return partial(Play, rulebook, with_history=True)


@pytest.fixture
def desk(begin):
    return begin()


def test_a_reply_told_late_stops_the_clock_when_it_was_given(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.happens("updated", "2026-03-02 15:00", devices=1)
    decision = desk.happens("replied", "2026-03-02 11:00", now="2026-03-02 15:30", actor="agent")
    answered = clock(decision, "first_response")
    assert (answered.phase, answered.stopped, answered.breached) == ("stopped", at("2026-03-02 11:00"), False)
    assert desk.state.given["devices"] == 1
    assert desk.state.last_event == at("2026-03-02 15:00")
    assert any(
        "first_response" in line and "stopped none -> 2026-03-02T11:00:00+08:00" in line
        for line in flags(decision, "RETROACTIVE")
    )


def test_a_pause_told_late_moves_the_due_time_and_says_so(desk):
    desk.happens("received", "2026-03-02 10:00", customer__tier="vip")
    before = desk.happens("updated", "2026-03-02 16:00", devices=1)
    assert clock(before, "resolution").due == at("2026-03-02 18:00")
    desk.happens("on_hold", "2026-03-02 11:00", now="2026-03-02 16:10", actor="agent")
    decision = desk.happens("resumed", "2026-03-02 13:30", now="2026-03-02 16:11", actor="agent")
    solved = clock(decision, "resolution")
    assert solved.pauses == [(at("2026-03-02 11:00"), at("2026-03-02 13:30"))]
    assert solved.due == at("2026-03-03 11:30")
    update = effects(decision, "update_request")[0]
    assert update.payload["due.resolution"] == "2026-03-03T11:30:00+08:00"
    assert any(line.startswith("resolution: ") for line in update.payload["corrected"])


def test_what_a_ladder_said_and_should_not_have_is_taken_back_once(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.fires("first_response/1/0/0")
    breach = desk.fires("first_response/1/1/0")
    assert breach.facts["priority"] == "P1"
    decision = desk.happens("replied", "2026-03-02 11:00", now="2026-03-02 14:30", actor="agent")
    assert decision.facts["priority"] == "P2"
    corrections = {e.key: e for e in decision.effects if e.key.startswith("correction/")}
    assert set(corrections) == {"correction/first_response/1/0/0/clerk", "correction/first_response/1/1/0/chief"}
    told = corrections["correction/first_response/1/1/0/chief"]
    assert (told.role, told.payload["said_template"], told.payload["now.phase"]) == ("chief", "breach", "stopped")
    assert (told.payload["was.breached"], told.payload["now.breached"]) == (True, False)
    assert "met at 2 Mar 2026, 11:00, in time" in told.payload["text.en"]
    again = desk.happens("updated", "2026-03-02 10:30", now="2026-03-02 14:40")
    assert [e.key for e in again.effects if e.key.startswith("correction/")] == []


def test_a_step_that_fired_rightly_stays_fired(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.fires("first_response/1/0/0")
    desk.fires("first_response/1/1/0")
    decision = desk.happens("updated", "2026-03-02 10:30", now="2026-03-02 14:05", devices=1)
    assert desk.state.timers["first_response/1/1/0"].fired
    assert [t.id for t in decision.arm if t.clock == "first_response"] == []
    assert [e.key for e in decision.effects if e.kind == "notify"] == []
    assert decision.facts["priority"] == "P1"


def test_a_step_that_comes_later_after_all_is_armed_for_its_own_time(desk):
    desk.happens("received", "2026-03-02 10:00", name="first", text__body="hello")
    desk.fires("first_response/1/0/0")
    desk.fires("first_response/1/1/0")
    event_ids = {event.id for event in desk.events}
    decision = desk.happens("updated", "2026-03-02 12:00", now="2026-03-02 14:05", corrects__event="first")
    assert clock(decision, "first_response").due == at("2026-03-02 16:00")
    armed = {timer.id: timer.due for timer in decision.arm}
    assert armed["first_response/1/1/0"] == at("2026-03-02 16:00")
    told = [e for e in decision.effects if e.key == "correction/first_response/1/1/0/chief"]
    assert "due 2 Mar 2026, 16:00" in told[0].payload["text.en"]
    fired = desk.fires("first_response/1/1/0")
    assert [e.payload["template"] for e in fired.effects if e.kind == "notify"] == ["breach"]
    assert desk.events[-1].id not in event_ids


def test_the_opening_date_never_moves_a_deadline_silently(desk):
    desk.happens("received", "2026-03-02 10:00", name="first", text__body="hello")
    edited = desk.happens("updated", "2026-03-02 10:30", opened="2026-03-02T08:00:00+08:00")
    assert clock(edited, "first_response").due == at("2026-03-02 14:00")
    moved = desk.happens("updated", "2026-03-02 09:00", now="2026-03-02 11:00", corrects__event="first")
    assert desk.state.created == at("2026-03-02 09:00")
    assert clock(moved, "first_response").due == at("2026-03-02 13:00")
    assert any(
        "due 2026-03-02T14:00:00+08:00 -> 2026-03-02T13:00:00+08:00" in line for line in flags(moved, "RETROACTIVE")
    )
    assert "corrected" in effects(moved, "update_request")[0].payload


def test_a_withdrawn_event_never_happened(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.happens("replied", "2026-03-02 11:00", actor="agent", name="wrong")
    desk.happens("completed", "2026-03-02 11:30", actor="agent")
    decision = desk.happens(
        "updated", "2026-03-02 12:00", actor="agent", corrects__event="wrong", corrects__withdrawn=True
    )
    answered = clock(decision, "first_response")
    # Nobody answered before the completion, which ends what it does not meet.
    assert (answered.phase, answered.stopped) == ("cancelled", at("2026-03-02 11:30"))
    assert clock(decision, "resolution").phase == "stopped"
    assert not any(name.startswith("corrects") for name in desk.state.given)


def test_corrected_facts_replace_and_null_clears(desk):
    desk.happens("received", "2026-03-02 10:00", name="first", customer__tier="vip", devices=3)
    decision = desk.happens(
        "updated", "2026-03-02 10:00", now="2026-03-02 12:00", corrects__event="first", customer__tier=None
    )
    assert desk.state.given == {"devices": 3}
    assert decision.facts["priority"] == "P2"
    assert clock(decision, "resolution").due == at("2026-03-05 10:00")


def test_a_correction_that_comes_before_its_event_waits_for_it(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    waits = desk.happens("updated", "2026-03-02 11:00", actor="agent", corrects__event="reply")
    assert flags(waits, "CORRECTION_WAITS") == ["not known yet: crm reply; the correction counts from when it comes"]
    decision = desk.happens("replied", "2026-03-02 15:00", actor="agent", name="reply")
    assert clock(decision, "first_response").stopped == at("2026-03-02 11:00")
    assert desk.state.awaited == []


def test_an_event_in_order_is_decided_as_ever(desk):
    first = desk.event("received", "2026-03-02 10:00", name="a", text__body="hello")
    second = desk.event("replied", "2026-03-02 10:30", actor="agent", name="b")
    with_history = [desk.take(first, first.time), desk.take(second, second.time)]
    plain = decide(desk.rulebook, None, first, Context(), first.time)
    without = [plain, decide(desk.rulebook, plain.state, second, Context(), second.time)]
    assert decision_bytes(with_history) == decision_bytes(without)


def test_a_history_too_long_is_not_folded_and_said_so(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    last = desk.events[-1]
    desk.state = msgspec.structs.replace(desk.state, decisions=MOST_EVENTS, last_event=at("2026-03-02 12:00"))
    desk.events = [last] * MOST_EVENTS
    decision = desk.happens("replied", "2026-03-02 11:00", now="2026-03-02 12:30", actor="agent")
    assert {"OUT_OF_ORDER", "NOT_FOLDED"} <= {flag.code for flag in decision.flags}
    assert str(MOST_EVENTS) in flags(decision, "NOT_FOLDED")[0]


def test_what_a_late_event_itself_calls_for_is_said_although_others_came_after(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.happens("updated", "2026-03-02 12:00", devices=1)
    decision = desk.happens("customer_replied", "2026-03-02 11:00", now="2026-03-02 12:10", text__body="it caught fire")
    assert decision.facts["priority"] == "P0"
    assert [e.key for e in decision.effects if e.kind in ("notify", "open_case")].count("notify/alarm/guard") == 1
    assert clock(decision, "first_response").due == at("2026-03-02 10:15")
    assert clock(decision, "next_reply").started == at("2026-03-02 11:00")


def test_one_task_for_one_run_whatever_its_number(desk):
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    begun = desk.happens("blocked", "2026-03-02 14:00", actor="agent")
    assert [e.key for e in effects(begun, "create_task")] == ["task/blocked/1"]
    desk.happens("blocked", "2026-03-02 11:00", now="2026-03-02 14:10", actor="agent")
    decision = desk.happens("progress_reported", "2026-03-02 12:00", now="2026-03-02 14:11", actor="agent")
    assert (clock(decision, "blocked").cycle, clock(decision, "blocked").started) == (2, at("2026-03-02 14:00"))


KINDS = [
    ("updated", "customer"),
    ("customer_replied", "customer"),
    ("replied", "agent"),
    ("on_hold", "agent"),
    ("resumed", "agent"),
    ("blocked", "agent"),
    ("progress_reported", "agent"),
    ("completed", "agent"),
    ("closed", "agent"),
    ("reopened", "customer"),
]
FACTS = [{}, {"customer.tier": "vip"}, {"customer.tier": "standard"}, {"text.body": "complaint"}, {"devices": 200}]


@st.composite
def shuffled_histories(draw):
    minutes = sorted(draw(st.sets(st.integers(0, 3 * 24 * 60), min_size=2, max_size=8)))
    events = []
    for number, minute in enumerate(minutes):
        kind, actor = draw(st.sampled_from(KINDS)) if number else ("received", "customer")
        events.append(
            Event(
                source="crm",
                id=f"e{number}",
                type=f"request.{kind}",
                time=at("2026-03-02 08:00") + timedelta(minutes=minute),
                request_id="R1",
                actor=ActorRole(actor),
                data=draw(st.sampled_from(FACTS)),
            )
        )
    return events, draw(st.permutations(events))


def figures(state):
    return {
        name: (c.phase, c.cycle, c.started, c.pauses, c.paused_since, c.stopped, c.due, c.breached)
        for name, c in state.clocks.items()
    }


@examples(300)
@given(histories=shuffled_histories())
def test_any_order_of_arrival_ends_in_the_same_clocks(begin, histories):
    events, arrival = histories
    in_order, late = begin(), begin()
    for event in events:
        in_order.take(msgspec.structs.replace(event, historical=True), event.time)
    for event in arrival:
        late.take(msgspec.structs.replace(event, historical=True), event.time)
    assert figures(late.state) == figures(in_order.state)
    assert late.state.given == in_order.state.given
    assert late.state.derived == in_order.state.derived
    assert (late.state.status, late.state.created) == (in_order.state.status, in_order.state.created)


QUIET_LADDER = """
ladders:
  - id: usual
    because: somebody must hear
    steps:
      - {at: 50%, notify: {roles: [owner], template: warn}}
      - {at: 0m, notify: {roles: [chief], template: breach}, repeat: {every: 30m, at_most: 2}}
      - {at: +2h, notify: {roles: [chief], template: breach}}
"""
HORIZON = timedelta(days=7)


@pytest.fixture(scope="module")
def notified():
    """Begins a request under rules whose ladder notifies, and changes nothing of the request."""
    found = compiled(variant(OFFICE, **RULES, ladders=QUIET_LADDER), "durable")
    yield partial(Play, found, with_history=True)
    found.matcher.close()


def lives(play, arrivals):
    """Takes events as they arrive; what is due fires in between and until long after."""

    def fire(until):
        while (timer := next_timer(play.state, until)) is not None:
            play.take(
                timer_event(play.state.tenant, play.state.request_id, timer), max(timer.due, play.decisions[-1].decided)
            )

    for arrived, event in arrivals:
        fire(arrived - timedelta(microseconds=1))
        play.take(event, arrived)
    end = arrivals[-1][0] + HORIZON
    fire(end)
    play.take(Event(source="crm", id="last", type="request.updated", time=end, request_id="R1"), end)


@examples(150)
@given(histories=shuffled_histories())
def test_notified_once_and_the_same_clocks_while_timers_fire(notified, histories):
    events, arrival = histories
    last, arrivals = events[0].time, []
    for event in arrival:
        last = max(last, event.time)
        arrivals.append((last, event))
    in_order, late = notified(), notified()
    lives(in_order, [(event.time, event) for event in events])
    lives(late, arrivals)
    assert figures(late.state) == figures(in_order.state)
    standing = set()
    for decision in late.decisions:
        for effect in decision.effects:
            if effect.key.startswith("correction/"):
                standing -= taken_back(standing, effect)
            elif effect.key.startswith(("ladder/", "task/")):
                assert effect.key not in standing
                standing.add(effect.key)


def taken_back(standing, correction):
    """A task, `correction/<its key>`, or a step, `correction/<timer>/<role>` of `ladder/<timer>/<template>/<role>`."""
    said = correction.key.removeprefix("correction/")
    if said in standing:
        return {said}
    timer, _, role = said.rpartition("/")
    return {key for key in standing if key.startswith(f"ladder/{timer}/") and key.endswith(f"/{role}")}


def test_targets_of_an_earlier_revision_stay_in_a_fold(rulebook):
    edited = SLA.replace("sla.first_response: 4h", "sla.first_response: 1h")
    later = compiled(variant(OFFICE, clocks=CLOCKS, sla=edited))
    desk = Play(rulebook, with_history=True)
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.happens("updated", "2026-03-02 10:30")
    desk.rulebook = later
    kept = desk.happens("updated", "2026-03-02 10:20", now="2026-03-02 10:40", order__number="1")
    assert clock(kept, "first_response").due == at("2026-03-02 14:00")
    assert clock(kept, "first_response").revision == rulebook.rulebook.revision
    # A fact of the target changes: what the active rules say holds, from the receipt.
    changed = desk.happens("updated", "2026-03-02 10:10", now="2026-03-02 10:50", devices=200)
    assert changed.facts["priority"] == "P0"
    assert clock(changed, "first_response").due == at("2026-03-02 10:15")


def test_an_ended_clock_keeps_its_outcome_under_other_rules(rulebook):
    edited = SLA.replace("sla.first_response: 4h", "sla.first_response: 1h")
    later = compiled(variant(OFFICE, clocks=CLOCKS, sla=edited))
    desk = Play(rulebook, with_history=True)
    desk.happens("received", "2026-03-02 10:00", text__body="hello")
    desk.happens("replied", "2026-03-02 13:00", actor="agent")
    desk.rulebook = later
    decision = desk.happens("updated", "2026-03-02 11:00", now="2026-03-02 13:10", devices=1)
    answered = clock(decision, "first_response")
    assert (answered.due, answered.breached) == (at("2026-03-02 14:00"), False)
