"""Unanswered messages of a merged request go on in its survivor. Expected figures are worked out by hand.

2026-03-02 is a Monday. Every message of the customer is answered within one hour, around the clock.
"""

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import ActorRole
from tests.kit.examples import examples
from tests.kit.plays import Play, at, flags
from tests.kit.rulebooks import compiled, rulebook_of

RULES = {
    "rulebook.yaml": """
rulebook:
  stages:
    sla: {hit: collect, on_error: {sla.next_reply: 1h}}
    routing: {hit: first, default: {department: desk, role: agent}, on_error: {department: desk}}
  roles: {agent: Agent}
  departments: {desk: D}
  numbering: {timezone: Asia/Shanghai, default_code: D}
""",
    "vocabulary.yaml": """
fields:
  department: {type: enum, values: [desk], derived_by: routing}
  role: {type: string, derived_by: routing}
""",
    "sla.yaml": """
stage: sla
rules:
  - {id: all, because: For all., then: {sla.next_reply: 1h, sla.first_response: 2h}}
""",
    "clocks.yaml": """
clocks:
  - {id: next_reply, kind: next_reply, because: No message stays unanswered., calendar: always, pause_while: [on_hold]}
  - {id: first_response, kind: first_response, because: Everybody hears from us., calendar: always}
""",
}
DAY = "2026-03-02 "


@cache
def rules():
    assert rulebook_of(RULES)
    return compiled(RULES)


class Desk:
    """Several requests with their histories. What one tells another is delivered at once, or by `deliver`."""

    def __init__(self, at_once=True):
        self.plays, self.waiting, self.at_once = {}, [], at_once

    def happens(self, request, kind, time, now=None, actor="customer", **data):
        play = self.plays.setdefault(request, Play(rules(), request, with_history=True))
        decision = play.happens(kind, DAY + time, now=DAY + (now or time), actor=actor, **data)
        self.waiting += decision.follow_ups
        if self.at_once:
            self.deliver(DAY + (now or time))
        return decision

    def staff(self, request, time, now=None):
        return self.happens(request, "replied", time, now, actor="agent")

    def merge(self, request, into, time, now=None):
        return self.happens(request, "merged", time, now, actor="agent", merged__into=into)

    def deliver(self, now):
        while self.waiting:
            event = self.waiting.pop(0)
            play = self.plays.setdefault(event.request_id, Play(rules(), event.request_id, with_history=True))
            self.waiting += play.take(event, max(event.time, at(now))).follow_ups

    def clock(self, request, name="next_reply"):
        return self.plays[request].request.clocks[name]

    def shown(self, request, name="next_reply"):
        """Phase, start and due time of the clock, as times of the day."""
        clock = self.clock(request, name)
        return clock.phase.value, *(moment and _time(moment) for moment in (clock.started, clock.due))


def _time(moment):
    return f"{moment + timedelta(hours=8):%H:%M}"


@pytest.fixture
def answered():
    """A of 09:00, answered at 09:30; B of 10:00, which is not."""
    desk = Desk()
    desk.happens("A", "received", "09:00")
    desk.staff("A", "09:30")
    desk.happens("B", "received", "10:00")
    return desk


def test_the_survivor_that_was_answered_owes_an_answer_to_the_merged_message(answered):
    answered.merge("B", "A", "10:10")

    assert answered.shown("A") == ("running", "10:00", "11:00")
    assert answered.clock("A").cycle == 2
    assert "unanswered in it: next_reply" in answered.plays["A"].decisions[-1].flags[0].message
    assert answered.clock("B").phase == "cancelled"

    answered.staff("A", "10:40")
    assert (answered.clock("A").phase, answered.clock("A").breached) == ("stopped", False)


def test_a_merge_told_after_the_due_time_shows_that_the_answer_is_late(answered):
    answered.merge("B", "A", "11:30")
    assert answered.shown("A") == ("running", "10:00", "11:00")
    assert answered.clock("A").breached


@pytest.mark.parametrize(
    ("survivor", "merged", "oldest"), [("10:20", "10:00", "10:00"), ("10:00", "10:20", "10:00")], ids=["theirs", "ours"]
)
def test_of_two_unanswered_messages_the_older_counts(survivor, merged, oldest):
    desk = Desk()
    for name, hour in (("A", survivor), ("B", merged)):
        desk.happens(name, "received", "09:00")
        desk.staff(name, "09:10")
        desk.happens(name, "customer_replied", hour)
    desk.merge("B", "A", "10:30")

    assert desk.shown("A") == ("running", oldest, "11:00")


def test_a_message_that_was_answered_before_the_merge_brings_nothing(answered):
    answered.staff("B", "10:05")
    answered.merge("B", "A", "10:10")
    assert answered.clock("A").phase == "stopped"


def test_an_answer_in_the_survivor_before_the_merge_answers_another_message(answered):
    answered.staff("A", "10:05")
    answered.merge("B", "A", "10:10")
    assert answered.shown("A") == ("running", "10:00", "11:00")


def test_the_wait_of_the_merged_request_does_not_count(answered):
    answered.happens("B", "on_hold", "10:05", actor="agent")
    answered.merge("B", "A", "10:10")
    assert answered.shown("A") == ("running", "10:00", "11:05")


def test_an_older_wait_of_the_survivor_does_not_move_the_message_of_another():
    desk = Desk()
    for name in "AB":
        desk.happens(name, "received", "09:00")
        desk.staff(name, "09:10")
    desk.happens("B", "customer_replied", "10:00")
    desk.happens("A", "customer_replied", "10:10")
    desk.happens("A", "on_hold", "10:20", actor="agent")
    desk.merge("B", "A", "10:30")
    assert desk.clock("A").phase == "paused"
    desk.happens("A", "resumed", "10:50", actor="agent")

    # Due 11:00, and 20 minutes on hold after the merge; the ten before it held A's own message only.
    assert desk.shown("A") == ("running", "10:00", "11:20")


def test_a_chain_of_merges_hands_the_message_to_the_last(answered):
    answered.happens("C", "received", "09:00")
    answered.staff("C", "09:20")
    answered.merge("B", "A", "10:10")
    answered.merge("A", "C", "10:20")
    assert answered.shown("C") == ("running", "10:00", "11:00")
    assert answered.clock("A").phase == "cancelled"


def test_a_merge_into_a_merged_request_hands_the_message_to_the_one_that_goes_on(answered):
    answered.happens("C", "received", "09:00")
    answered.staff("C", "09:20")
    answered.merge("A", "C", "10:10")
    answered.merge("B", "A", "10:20")
    assert answered.shown("C") == ("running", "10:00", "11:00")


def test_a_survivor_not_known_yet_owes_the_answer(answered):
    answered.merge("B", "Z", "10:10")
    assert answered.shown("Z") == ("running", "10:00", "11:00")


def test_a_merge_that_is_undone_gives_the_message_back_to_its_request(answered):
    answered.merge("B", "A", "10:10")
    answered.happens("B", "reopened", "10:30", actor="agent")
    # Ten minutes were used at the merge; the twenty in A do not count here.
    assert answered.shown("B") == ("running", "10:00", "11:20")


def test_a_circle_that_is_taken_back_leaves_no_message_behind():
    desk = Desk(at_once=False)
    for name in "AB":
        desk.happens(name, "received", "10:00")
    desk.merge("A", "B", "10:10")
    desk.merge("B", "A", "10:11")
    desk.deliver(DAY + "10:12")

    (survivor,) = (name for name in "AB" if desk.plays[name].request.status == "open")
    assert desk.shown(survivor) == ("running", "10:00", "11:00")


def test_a_first_response_that_the_merged_request_gave_is_not_owed_again():
    desk = Desk()
    desk.happens("A", "received", "09:00")
    desk.staff("A", "09:30")
    desk.happens("B", "received", "10:00")
    desk.merge("A", "B", "10:10")
    assert desk.shown("B", "first_response") == ("running", "10:00", "12:00")


def test_an_answer_after_the_merge_counts_although_the_merge_is_told_late(answered):
    answered.staff("A", "10:20")
    answered.merge("B", "A", "10:10", now="10:30")
    clock = answered.clock("A")
    assert (clock.phase, _time(clock.started), _time(clock.stopped)) == ("stopped", "10:00", "10:20")


def test_a_late_answer_in_the_merged_request_is_told_to_the_survivor(answered):
    answered.merge("B", "A", "10:10")
    answered.staff("B", "10:05", now="10:30")
    assert answered.clock("A").phase == "stopped"
    assert _time(answered.clock("A").stopped) == "09:30"


def test_a_late_message_of_before_the_merge_is_told_to_the_survivor(answered):
    answered.staff("B", "10:02")
    answered.merge("B", "A", "10:10")
    assert answered.clock("A").phase == "stopped"
    answered.happens("B", "customer_replied", "10:05", now="10:30")
    assert answered.shown("A") == ("running", "10:05", "11:05")


def test_a_message_after_a_merge_that_is_told_late_reaches_the_survivor(answered):
    answered.staff("B", "10:02")
    answered.happens("B", "customer_replied", "10:20")
    answered.merge("B", "A", "10:10", now="10:30")
    assert answered.shown("A") == ("running", "10:20", "11:20")
    assert answered.plays["B"].request.passed_on == ["crm e3"]

    answered.happens("B", "updated", "10:15", now="10:40")
    assert [event.type for event in answered.plays["A"].events].count("request.customer_replied") == 1


@examples(60)
@given(
    happened=st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from(["customer_replied", "replied", "updated"])), max_size=4
    ),
    merged_after=st.integers(0, 4),
    order=st.randoms(use_true_random=False),
)
def test_the_survivor_owes_the_same_in_whatever_order_the_events_come(happened, merged_after, order):
    told = [(name, kind, f"10:{10 * number + 10:02}") for number, (name, kind) in enumerate(happened)]
    told.insert(min(merged_after, len(told)), ("B", "merged", f"10:{10 * merged_after + 5:02}"))
    found = []
    for shuffled in (False, True):
        desk = Desk()
        desk.happens("A", "received", "09:00")
        desk.happens("B", "received", "09:01")
        if shuffled:
            order.shuffle(told)
        for number, (name, kind, time) in enumerate(told):
            actor = ActorRole.AGENT if kind in ("replied", "merged") else ActorRole.CUSTOMER
            data = {"merged__into": "A"} if kind == "merged" else {}
            desk.happens(name, kind, time, now=f"11:{number:02}" if shuffled else time, actor=actor, **data)
        desk.happens("A", "updated", "11:30")
        clock = desk.clock("A")
        found.append((clock.phase, clock.started, clock.due, clock.stopped, clock.breached))
    assert found[0] == found[1]
    assert flags(desk.plays["A"].decisions[0]) == []
