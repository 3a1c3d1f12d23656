"""Which requests are played together."""

from __future__ import annotations

from answerby.workbench.backtest.partition import Partition
from tests.kit.rulebooks import REPAIRS, compiled
from tests.unit.workbench.backtest.repairs import RECEIVED, event


def test_requests_are_tied_by_what_counts_them_and_by_merges() -> None:
    partition = Partition([compiled(REPAIRS).rulebook.vocabulary])
    events = [
        event("A", RECEIVED, "8:00", customer__id="x"),
        event("B", RECEIVED, "8:00", customer__id="y"),
        event("C", RECEIVED, "8:00"),
        event("D", RECEIVED, "8:00"),
        event("C", "request.updated", "9:00", customer__id="x"),
        event("D", "request.merged", "9:00", merged__into="E"),
        event("F", RECEIVED, "8:00", impact="x"),
    ]
    for one in events:
        partition.see(one)

    groups: dict[object, set[str]] = {}
    for name in "ABCDEF":
        groups.setdefault(partition.group_of(name), set()).add(name)
    assert sorted(map(sorted, groups.values())) == [["A", "C"], ["B"], ["D", "E"], ["F"]]


def test_a_request_that_follows_a_finished_one_is_tied_to_it() -> None:
    partition = Partition([])
    for name in ("R", "R+1", "R+1+1", "S+1"):
        partition.see(event(name, "request.received", "9:00"))
    assert partition.group_of("R") == partition.group_of("R+1") == partition.group_of("R+1+1")
    assert partition.group_of("S+1") != partition.group_of("R")


def test_without_windows_every_request_is_alone() -> None:
    plain = {
        "often.yaml": "stage: priority\nrules: [{id: often, because: Never., when: {impact: low}, then: {priority: P3}}]\n",
        "vocabulary.yaml": """
fields:
  impact: {type: enum, values: [low, mid, high], default: low}
  customer.id: {type: string, personal: true}
  text.body: {type: text, personal: true}
  category: {type: enum, values: [plain, danger], derived_by: classification}
  tags: {type: set, derived_by: classification}
  priority: {type: enum, values: [P3, P2, P1], derived_by: priority}
  role: {type: enum, values: [clerk, chief], derived_by: routing}
""",
    }
    partition = Partition([compiled(REPAIRS | plain).rulebook.vocabulary])
    for name in "AB":
        partition.see(event(name, RECEIVED, "8:00", customer__id="x"))

    assert partition.group_of("A") != partition.group_of("B")
