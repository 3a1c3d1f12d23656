"""Merging: one request ends in another, which keeps the earliest clock. Expected figures are worked out by hand.

Mondays: 2026-03-02 and 2026-03-09; the office works 09:00 to 18:00. First response: 4 h, warned at half, escalated at due.
"""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.store.codec import decode_decision
from tests.kit.encoding import decision_bytes
from tests.kit.examples import examples
from tests.kit.plays import Play, at, clock, flags
from tests.kit.rulebooks import OFFICE, compiled, variant

CLOCKS = """
clocks:
  - {id: first_response, because: answer, calendar: office, stop: [request.replied], role: owner, ladder: usual, pause_while: [on_hold]}
  - {id: blocked, because: report, calendar: office, start: [request.blocked], stop: [request.progress_reported], role: chief}
"""


class Tenant:
    """Several requests. Follow-ups wait, as in a stream, until `deliver`."""

    def __init__(self, rulebook):
        self.rulebook = rulebook
        self.plays = {}
        self.waiting = []

    def play(self, request_id):
        return self.plays.setdefault(request_id, Play(self.rulebook, request_id))

    def state(self, request_id):
        return self.plays[request_id].request

    def happens(self, request_id, kind, time, **data):
        decision = self.play(request_id).happens(kind, time, **data)
        self.waiting += decision.follow_ups
        return decision

    def merges(self, request_id, into, time, **data):
        return self.happens(request_id, "merged", time, merged__into=into, **data)

    def deliver(self, order=lambda waiting: 0):
        """Decides what waits until nothing does; `order` picks the next."""
        made = []
        while self.waiting:
            event = self.waiting.pop(order(self.waiting))
            decision = self.play(event.request_id).take(event, event.time)
            self.waiting += decision.follow_ups
            made.append(decision)
            assert len(made) < 500, "the notices never end"
        return made

    def open(self):
        return {name for name, play in self.plays.items() if play.request.status != "merged"}


@cache
def rulebook():
    return compiled(variant(OFFICE, clocks=CLOCKS))


@pytest.fixture
def tenant():
    return Tenant(rulebook())


@pytest.fixture
def two(tenant):
    """A of 09:00, B of 11:00: due 13:00 and 15:00."""
    tenant.happens("A", "received", "2026-03-02 09:00", text__body="complaint")
    tenant.happens("B", "received", "2026-03-02 11:00", text__body="complaint again")
    return tenant


def test_the_merged_request_ends_and_its_survivor_hears_of_it(two):
    decision = two.merges("A", "B", "2026-03-02 11:30")

    assert decision.status == "merged"
    assert clock(decision, "first_response").phase == "cancelled"
    assert decision.flags == []
    (notice,) = decision.follow_ups
    assert (notice.source, notice.id, notice.type) == ("answerby/merge", "A/2", "request.absorbed")
    assert (notice.tenant, notice.request_id, notice.actor) == ("default", "B", "system")
    assert notice.time == at("2026-03-02 11:30")
    assert notice.data["absorbed.request"] == "A"
    assert notice.data["absorbed.created"] == "2026-03-02T01:00:00+00:00"
    assert "merged.into" not in decision.state.given


def test_the_survivor_keeps_the_earliest_clock(two):
    two.merges("A", "B", "2026-03-02 11:30")
    (decision,) = two.deliver()

    assert decision.request_id == "B"
    assert decision.state.created == at("2026-03-02 09:00")
    response = clock(decision, "first_response")
    assert (response.started, response.due, response.breached) == (
        at("2026-03-02 09:00"),
        at("2026-03-02 13:00"),
        False,
    )
    assert {timer.id: timer.due for timer in decision.arm} == {
        "first_response/1/0/0": at("2026-03-02 11:00"),
        "first_response/1/1/0": at("2026-03-02 13:00"),
    }
    (flag,) = decision.flags
    assert flag.code == "ABSORBED"
    assert "A, created 2026-03-02T01:00:00+00:00" in flag.message
    assert "update_request" in [effect.kind for effect in decision.effects]


def test_a_clock_that_is_late_by_the_earlier_start_is_breached(two):
    two.merges("A", "B", "2026-03-02 14:00")
    (decision,) = two.deliver()

    response = clock(decision, "first_response")
    assert (response.due, response.breached) == (at("2026-03-02 13:00"), True)


def test_a_paused_clock_starts_earlier_too(two):
    two.happens("B", "on_hold", "2026-03-02 11:20")
    two.merges("A", "B", "2026-03-02 11:30")
    (decision,) = two.deliver()
    assert clock(decision, "first_response").phase == "paused"

    decision = two.happens("B", "resumed", "2026-03-02 11:50")
    assert clock(decision, "first_response").due == at("2026-03-02 13:30")


def test_what_nobody_answered_is_owed_although_the_survivor_was_answered(two):
    two.happens("B", "replied", "2026-03-02 11:10")
    two.merges("A", "B", "2026-03-02 14:00")
    (decision,) = two.deliver()

    response = clock(decision, "first_response")
    assert (response.phase, response.due, response.cycle, response.breached) == (
        "running",
        at("2026-03-02 13:00"),
        2,
        True,
    )


def test_what_already_ended_and_is_owed_once_stays_as_it_was():
    frozen = Tenant(
        compiled(variant(OFFICE, clocks=CLOCKS.replace("ladder: usual,", "ladder: usual, reopen: frozen,")))
    )
    frozen.happens("A", "received", "2026-03-02 09:00", text__body="complaint")
    frozen.happens("B", "received", "2026-03-02 11:00", text__body="complaint again")
    frozen.happens("B", "replied", "2026-03-02 11:10")
    frozen.merges("A", "B", "2026-03-02 14:00")
    (decision,) = frozen.deliver()

    response = clock(decision, "first_response")
    assert (response.phase, response.due, response.breached) == ("stopped", at("2026-03-02 15:00"), False)


def test_a_clock_that_an_event_of_its_own_began_does_not_move(two):
    two.happens("B", "blocked", "2026-03-02 11:10")
    two.merges("A", "B", "2026-03-02 11:30")
    (decision,) = two.deliver()

    assert clock(decision, "blocked").due == at("2026-03-02 13:10")


def test_the_younger_merged_into_the_older_moves_nothing(two):
    two.merges("B", "A", "2026-03-02 11:30")
    (decision,) = two.deliver()

    assert decision.state.created == at("2026-03-02 09:00")
    assert clock(decision, "first_response").due == at("2026-03-02 13:00")
    assert decision.arm == []
    assert flags(decision) == ["ABSORBED"]


def test_three_merged_one_after_the_other_count_from_the_first(two):
    two.happens("C", "received", "2026-03-02 12:00", text__body="complaint")
    two.merges("A", "B", "2026-03-02 12:10")
    two.deliver()
    two.merges("B", "C", "2026-03-02 12:20")
    two.deliver()

    survivor = two.state("C")
    assert survivor.created == at("2026-03-02 09:00")
    assert survivor.clocks["first_response"].due == at("2026-03-02 13:00")
    assert survivor.absorbed == ["A", "B"]


def test_what_is_merged_into_a_merged_request_reaches_the_one_that_goes_on(two):
    two.happens("C", "received", "2026-03-02 12:00", text__body="complaint")
    two.merges("B", "C", "2026-03-02 12:10")
    two.deliver()
    two.merges("A", "B", "2026-03-02 12:20")
    passed, arrived = two.deliver()

    assert (passed.request_id, arrived.request_id) == ("B", "C")
    assert passed.status == "merged"
    assert two.state("C").created == at("2026-03-02 09:00")
    assert two.state("C").absorbed == ["A", "B"]


def test_merging_into_itself_is_refused_and_changes_nothing(two):
    before = two.state("A")
    decision = two.merges("A", "A", "2026-03-02 09:30")

    assert flags(decision) == ["MERGE_REFUSED"]
    assert decision.event_type == "request.merged"
    assert decision.status == "open"
    assert decision.clocks == [before.clocks["first_response"]]
    assert decision.follow_ups == []


def test_merging_back_is_refused_and_changes_nothing(two):
    two.merges("B", "A", "2026-03-02 11:30")
    two.deliver()
    decision = two.merges("A", "B", "2026-03-02 11:40")

    assert flags(decision) == ["MERGE_REFUSED"]
    assert "B was merged into this request" in decision.flags[0].message
    assert decision.status == "open"
    assert clock(decision, "first_response").phase == "running"
    assert decision.follow_ups == []


def test_merging_back_through_a_third_is_refused(two):
    two.happens("C", "received", "2026-03-02 12:00")
    two.merges("A", "B", "2026-03-02 12:10")
    two.deliver()
    two.merges("B", "C", "2026-03-02 12:20")
    two.deliver()

    assert flags(two.merges("C", "A", "2026-03-02 12:30")) == ["MERGE_REFUSED"]
    assert two.open() == {"C"}


def test_a_merged_request_is_not_merged_elsewhere_until_it_is_reopened(two):
    two.happens("C", "received", "2026-03-02 12:00")
    two.merges("A", "B", "2026-03-02 12:10")
    assert two.merges("A", "B", "2026-03-02 12:15").follow_ups == []
    refused = two.merges("A", "C", "2026-03-02 12:20")
    assert (flags(refused), refused.follow_ups, refused.status) == (["MERGE_REFUSED"], [], "merged")

    two.happens("A", "reopened", "2026-03-02 12:25")
    (notice,) = two.merges("A", "C", "2026-03-02 12:30").follow_ups
    assert notice.request_id == "C"


@pytest.mark.parametrize("into", ["", True, ["B"], "B\n", "x" * 2000])
def test_what_is_no_id_is_refused(two, into):
    decision = two.merges("A", into, "2026-03-02 11:30")

    assert (flags(decision), decision.status, decision.follow_ups) == (["MERGE_REFUSED"], "open", [])


def test_without_a_survivor_the_request_ends_and_says_so(two):
    decision = two.happens("A", "merged", "2026-03-02 11:30")

    assert (flags(decision), decision.status, decision.follow_ups) == (["MERGE_TARGET_MISSING"], "merged", [])


@pytest.mark.parametrize("last_first", [False, True])
@pytest.mark.parametrize("late", ["A", "B"])
def test_two_that_are_merged_into_each_other_at_once_do_not_both_end(two, late, last_first):
    times = {"A": "2026-03-02 11:30", "B": "2026-03-02 11:30"} | {late: "2026-03-02 11:31"}
    two.merges("A", "B", times["A"])
    two.merges("B", "A", times["B"])
    made = two.deliver((lambda waiting: len(waiting) - 1) if last_first else (lambda _: 0))

    assert two.open() == {late}, "the later merge is taken back"
    assert two.state(late).created == at("2026-03-02 09:00")
    response = two.state(late).clocks["first_response"]
    assert (response.phase, response.due) == ("running", at("2026-03-02 13:00"))
    assert {"MERGE_CIRCLE", "MERGE_REFUSED"} <= {code for decision in made for code in flags(decision)}


MERGES = [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"), ("E", "C")]


@examples(30)
@given(
    merges=st.permutations(MERGES),
    at_once=st.lists(st.booleans(), min_size=len(MERGES), max_size=len(MERGES)),
    order=st.randoms(use_true_random=False),
)
def test_a_circle_of_four_with_one_more_hanging_on_it_keeps_exactly_one(merges, at_once, order):
    tenant = Tenant(rulebook())
    for hour, name in enumerate("ABCDE"):
        tenant.happens(name, "received", f"2026-03-02 {9 + hour:02}:00", text__body="complaint")
    for minute, ((name, into), early) in enumerate(zip(merges, at_once, strict=True)):
        tenant.merges(name, into, f"2026-03-02 14:{10 if early else minute + 11}")
    tenant.deliver(lambda waiting: order.randrange(len(waiting)))

    (survivor,) = tenant.open()
    assert survivor in "ABCD"
    assert tenant.state(survivor).created == at("2026-03-02 09:00")
    assert tenant.state(survivor).status == "open"


def test_a_survivor_that_is_not_known_yet_begins_with_the_notice(two):
    two.merges("A", "Z", "2026-03-02 11:30")
    (decision,) = two.deliver()
    assert flags(decision) == ["STARTED_WITHOUT_RECEIPT", "ABSORBED"]
    assert decision.state.created == at("2026-03-02 09:00")

    decision = two.happens("Z", "received", "2026-03-02 11:40", text__body="complaint")
    assert decision.state.source == "crm"
    assert decision.state.created == at("2026-03-02 09:00")


def test_a_closed_survivor_is_opened_by_what_nobody_answered(two):
    two.happens("B", "closed", "2026-03-02 11:20")
    two.merges("A", "B", "2026-03-02 11:30")
    (decision,) = two.deliver()

    assert (decision.status, flags(decision)) == ("open", ["ABSORBED", "REOPENED_BY_REPLY"])
    # A has waited since 09:00, also while B was closed.
    assert clock(decision, "first_response").due == at("2026-03-02 13:00")


def test_a_closed_survivor_of_an_answered_request_stays_closed_and_says_so(two):
    two.happens("A", "replied", "2026-03-02 11:10", actor="agent")
    two.happens("B", "closed", "2026-03-02 11:20")
    two.merges("A", "B", "2026-03-02 11:30")
    (decision,) = two.deliver()

    assert decision.status == "closed"
    assert decision.flags[0].message.endswith("this request is closed")


def test_a_historical_merge_gives_historical_follow_ups(two):
    decision = two.merges("A", "B", "2026-03-02 11:30", historical=True)

    (notice,) = decision.follow_ups
    assert notice.historical
    assert notice.time == at("2026-03-02 11:30")


def test_the_same_merge_gives_the_same_bytes(two):
    play = two.play("A")
    state, events = play.state, list(play.events)
    first = two.merges("A", "B", "2026-03-02 11:30")
    play.state, play.events = state, events
    again = two.merges("A", "B", "2026-03-02 11:30")

    assert decision_bytes(first) == decision_bytes(again)
    assert decode_decision(decision_bytes(first), None) == first
