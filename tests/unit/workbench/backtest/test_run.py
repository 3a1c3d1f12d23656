"""A backtest of the help desk: every figure was counted by hand, see repairs.py."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerby.domain.event import Value
from answerby.workbench.backtest.fields import Point
from answerby.workbench.backtest.groups import Backtest, Settings
from answerby.workbench.backtest.tally import Tally
from tests.kit.examples import examples
from tests.kit.rulebooks import REPAIRS, compiled
from tests.unit.workbench.backtest.repairs import COMPLETED, NEW, RECEIVED, at, event, groups, request, story

END = at("10:00")


@pytest.fixture
def desk() -> Backtest:
    return Backtest(compiled(NEW), compiled(REPAIRS), Settings(horizon=END))


def figures(tally: Tally, *keys: str) -> dict[str, int]:
    return {key: tally.count(*key.split("/")) for key in keys}


def test_the_figures_are_those_counted_by_hand(desk: Backtest) -> None:
    tally = desk.run(groups())

    assert tally.under("matrix", "priority") == {("P1", "P1"): 3, ("P2", "P1"): 2, ("P3", "P3"): 3}
    assert tally.under("matrix", "sla.fix") == {
        ("1h always", "1h always"): 3,
        ("4h always", "1h always"): 2,
        ("8h always", "8h always"): 3,
    }
    expected = {
        "requests": 8,
        "compared": 8,
        "differing": 2,
        "raised/priority": 2,
        "lowered/priority": 0,
        "changed/priority": 2,
        "changed/category": 0,
        "breach.new": 1,
        "breach.gone": 0,
        "breach/fix/new": 1,
        "breached/fix/old": 1,
        "breached/fix/new": 2,
        "ran/fix/old": 8,
        "notices/clerk/old": 2,
        "notices/clerk/new": 3,
        "notices/chief/old": 1,
        "notices/chief/new": 2,
        "notices/chief/more": 1,
        "notices/chief/fewer": 0,
        "effects.changed": 1,
        "errors.new": 0,
        # 8 receipts, 4 completions, and the timers: E, F3 twice; with the new rules A twice more.
        "decisions/old": 15,
        "decisions/new": 17,
        "timers/old": 3,
        "timers/new": 5,
        "won/priority/new/often": 1,
    }
    assert figures(tally, *expected) == expected


def test_examples_come_with_the_most_important_first_and_both_explanations(desk: Backtest) -> None:
    examples = desk.run(groups()).examples.in_order()

    assert [(e["kind"], e["request_id"]) for e in examples] == [
        ("priority.raised_to_top", "A"),
        ("priority.raised_to_top", "D"),
    ]
    first = msgspec.to_builtins(examples[0])
    assert first["changes"][0] == {"field": "priority", "old": "P2", "new": "P1", "move": "raised"}
    assert first["told"]["notices"] == {"chief": [0, 1], "clerk": [0, 1]}
    (clock,) = first["clocks"]
    assert (clock["old"]["target"], clock["old"]["breached"]) == ("4h always", False)
    assert (clock["new"]["target"], clock["new"]["breached"]) == ("1h always", True)
    stages = {stage["stage"]: stage for stage in first["stages"]}
    assert set(stages) == {"priority", "sla"}
    assert stages["priority"]["old"]["outputs"] == {"priority": "P2"}
    assert stages["priority"]["new"]["outputs"] == {"priority": "P1"}
    assert [rule["id"] for rule in stages["sla"]["old"]["won"]] == ["promise#2"]
    assert [rule["because"] for rule in stages["sla"]["new"]["won"]] == ["What we promise."]


def test_the_other_way_round_what_was_new_is_gone() -> None:
    tally = Backtest(compiled(REPAIRS), compiled(NEW), Settings(horizon=END)).run(groups())

    assert (tally.count("lowered", "priority"), tally.count("breach.gone"), tally.count("breach.new")) == (2, 1, 0)
    assert [(e["kind"], e["request_id"]) for e in tally.examples.in_order()] == [
        ("priority.lowered", "A"),
        ("priority.lowered", "D"),
    ]


@examples(10)
@given(order=st.permutations(groups()), cuts=st.sets(st.integers(1, len(groups()) - 1)))
def test_parts_merge_into_the_same_tally_however_they_are_cut_and_ordered(order: list, cuts: set[int]) -> None:
    compared = Backtest(compiled(NEW), compiled(REPAIRS), Settings(horizon=END))
    whole, merged = compared.run(groups()), Tally.empty(3)
    for start, end in pairwise([0, *sorted(cuts), len(order)]):
        merged.merge(compared.run(order[start:end]))
    assert +merged.counts == +whole.counts
    assert merged.examples.in_order() == whole.examples.in_order()


@pytest.mark.parametrize(
    ("horizon", "chief", "cases", "breached"),
    [
        # At 10:20 the case of F3 opens, and the chief hears of it again.
        (at("10:20"), 2, 1, 1),
        # Without an end C, F1 and F2 (08:00 and 08:10, 8 h) run out, too: each two messages to the chief and a case.
        (None, 8, 4, 4),
    ],
)
def test_timers_fire_up_to_the_horizon(horizon, chief: int, cases: int, breached: int) -> None:
    tally = Backtest(compiled(REPAIRS), compiled(REPAIRS), Settings(horizon=horizon)).run(groups())

    assert tally.count("notices", "chief", "old") == chief
    assert tally.count("cases", "forgotten", "old") == cases
    assert tally.count("breached", "fix", "new") == breached
    assert tally.count("differing") == 0


def test_a_clock_without_a_ladder_is_breached_all_the_same() -> None:
    plain = {"clocks.yaml": "clocks: [{id: fix, because: A promise., calendar: always, stop: [request.completed]}]\n"}
    tally = Backtest(compiled(NEW | plain), compiled(REPAIRS | plain), Settings(horizon=END))

    counts = tally.run(groups())

    assert (counts.count("breached", "fix", "old"), counts.count("breached", "fix", "new")) == (1, 2)
    # Two clocks ran out: each by the timer of its due time.
    assert counts.count("timers", "new") == 2


def test_a_clock_that_ran_out_before_the_request_was_closed_is_breached() -> None:
    closed = story("A", event("A", RECEIVED, "8:00", impact="mid"), event("A", "request.closed", "11:00"))
    desk = Backtest(compiled(NEW), compiled(REPAIRS), Settings(horizon=at("11:00")))

    tally = desk.run([[closed]])

    assert (tally.count("breached", "fix", "old"), tally.count("breached", "fix", "new")) == (0, 1)


def test_as_first_decided_or_in_the_end() -> None:
    """An impact that is mended later: only the first decisions differ."""
    mended = story("A", event("A", RECEIVED, "8:00", impact="mid"), event("A", "request.updated", "8:10", impact="low"))
    new, old = compiled(NEW), compiled(REPAIRS)
    for point, raised in ((Point.FIRST, 1), (Point.LAST, 0)):
        tally = Backtest(new, old, Settings(horizon=END, point=point)).run([[mended]])
        assert tally.count("raised", "priority") == raised, point
        assert tally.count("sometime", "priority") == 1


def test_requests_before_the_time_are_counted_with_the_others_but_not_compared(desk: Backtest) -> None:
    (*_, customer) = groups()
    lead = [msgspec.structs.replace(s, compared=s.request_id == "F3") for s in customer]

    tally = desk.run([lead])

    assert (tally.count("requests"), tally.count("lead")) == (1, 2)
    assert tally.under("value", "priority", "new") == {("P1",): 1}


def test_an_error_that_only_the_new_rules_meet_is_the_first_example() -> None:
    changed = {
        "many.yaml": """
stage: priority
rules:
  - {id: many, because: Many devices., when: {devices: {at_least: 10}}, then: {priority: P1}}
"""
    }
    odd = story("Z", event("Z", RECEIVED, "8:00", impact="low", devices="a dozen"))
    tally = Backtest(compiled(REPAIRS | changed), compiled(REPAIRS), Settings(horizon=END)).run([[odd]])

    assert (tally.count("errors.new"), tally.count("errors", "old"), tally.count("errors", "new")) == (1, 0, 1)
    assert tally.under("stage", "priority") == {("matched", "error"): 1}
    (example,) = tally.examples.in_order()
    assert (example["kind"], example["errors"]) == ("errors.new", ["priority"])


def test_a_merge_reaches_the_survivor_in_both_worlds(desk: Backtest) -> None:
    first = request("A", "mid", "8:00")
    later = request("B", "mid", "8:10")
    gone = story("B", *(h.event for h in later.events), event("B", "request.merged", "8:20", merged__into="A"))

    tally = desk.run([[first, gone]])

    # B decides its receipt and the merge. A its receipt, the notice, and timers: 8:30, 9:00, 10:00; or only that of 10:00.
    assert (tally.count("decisions", "new"), tally.count("decisions", "old")) == (2 + 2 + 3, 2 + 2 + 1)
    assert tally.count("breached", "fix", "new") == 1


def test_a_ladder_that_never_ends_is_cut() -> None:
    endless = {
        "ladders.yaml": """
ladders:
  - id: plain
    because: Again and again.
    steps: [{at: 0m, notify: {roles: [chief], template: late, until_acknowledged: true}, repeat: {every: 1m, at_most: 900}}]
"""
    }
    settings = Settings(horizon=None, timer_limit=50)
    tally = Backtest(compiled(REPAIRS | endless), compiled(REPAIRS), settings).run([groups()[0]])

    assert (tally.count("cut", "new"), tally.count("cut", "old")) == (0, 0)

    forgotten = Backtest(compiled(REPAIRS | endless), None, settings).run([[request("C", "low", "9:00")]])
    assert (forgotten.count("cut", "new"), forgotten.count("timers", "new")) == (1, 50)


def test_without_old_rules_what_the_export_said_is_compared() -> None:
    def told(recorded_request, priority: Value):
        return msgspec.structs.replace(recorded_request, known_facts={"priority": priority})

    requests = [[told(request("A", "mid", "8:00"), "P2")], [told(request("B", "high", "8:00"), "P1")], groups()[2]]
    tally = Backtest(compiled(NEW), None, Settings(horizon=END)).run(requests)

    assert (tally.count("requests"), tally.count("compared"), tally.count("raised", "priority")) == (3, 2, 1)
    assert tally.under("matrix") == {("priority", "P1", "P1"): 1, ("priority", "P2", "P1"): 1}


def test_text_is_shown_only_when_asked_for() -> None:
    secret = "my heater caught fire, call 13800138000"
    burning = story("A", event("A", RECEIVED, "8:00", impact="mid", text__body=secret, customer__id="Zhang Wei"))
    new, old = compiled(NEW), compiled(REPAIRS)
    for show in (False, True):
        settings = Settings(horizon=END, show_text=show)
        data = msgspec.json.encode(Backtest(new, old, settings).run([[burning]]).examples.in_order()).decode()
        assert (secret in data) is show
        assert "Zhang Wei" not in data


def test_late_events_are_decided_as_of_their_moment() -> None:
    """What a recording says: the event happened at 8:00, but came and was decided at 9:30."""
    late = request("A", "high", "8:00", "9:00")
    received, done = late.events
    moved = [msgspec.structs.replace(received, moment=at("9:30")), msgspec.structs.replace(done, moment=at("9:40"))]
    tally = Backtest(compiled(REPAIRS), None, Settings(horizon=END + timedelta(hours=1))).run(
        [[msgspec.structs.replace(late, events=moved)]]
    )

    # The warning of 8:30 and the breach of 9:00 fire at once at 9:30, as the server would have done.
    assert tally.count("timers", "new") == 2
    assert tally.count("notices", "chief", "new") == 1
    assert COMPLETED in {h.event.type for h in late.events}
