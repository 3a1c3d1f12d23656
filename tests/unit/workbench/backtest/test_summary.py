"""The sentence that a backtest begins with, and the words for what changes, against figures made by hand."""

from __future__ import annotations

import pytest

from answerby.workbench.backtest.change_words import change_words
from answerby.workbench.backtest.fields import ComparedField, compared_fields
from answerby.workbench.backtest.gates import ASKED_FOR, REFUSED, ask, parse_gate
from answerby.workbench.backtest.report import Frame, make_report
from answerby.workbench.backtest.summary import with_summary
from answerby.workbench.backtest.tally import Tally
from tests.kit.rulebooks import OFFICE, rulebook_of

RULEBOOK = rulebook_of(OFFICE)
FIELDS = compared_fields(RULEBOOK, RULEBOOK)


def report(**counts: int):
    """A report of these figures; `__` stands between the words of a key."""
    tally = Tally.empty(0)
    for name, number in counts.items():
        tally.counts[tuple(word.replace("_dot_", ".") for word in name.split("__"))] = number
    for name in ("priority", "department", "category"):
        tally.counts["value", name, "new", "x"] = tally.count("compared")
    frame = Frame(
        new=RULEBOOK,
        old=RULEBOOK,
        new_name="new",
        old_name="old",
        source="file",
        horizon=None,
        point="last",
        events=0,
        rows={},
    )
    return with_summary(make_report(frame, tally, FIELDS, ()))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            {"requests": 1200, "compared": 1200},
            "All 1,200 requests would have been decided exactly as before.",
        ),
        (
            {"requests": 1200, "compared": 1200, "differing": 84, "raised__priority": 16, "lowered__priority": 3,
             "changed__department": 12, "breach_dot_new": 5, "breach_dot_gone": 2, "effects_dot_changed": 9},
            ("Of 1,200 requests, 84 (7.0 %) would have been decided otherwise: 16 would have been more urgent; "
            "3 would have been less urgent; 12 would have gone to another department; 5 would have been late that were "
            "not; 2 would no longer have been late; for 9, people would have been told more, less or other than before."),
        ),
        (
            {"requests": 10, "compared": 10, "differing": 1, "changed__category": 1, "requests_dot_refused": 3},
            ("3 requests could not be used in full or at all; of the rest, 1 (10.0 %) of 10 requests would have been "
            "decided otherwise: 1 would have been taken for something else."),
        ),
        (
            {"requests": 10, "compared": 10, "requests_dot_refused": 1},
            ("1 request could not be used in full or at all; of the rest, all 10 requests would have been decided "
            "exactly as before."),
        ),
        ({"requests": 1}, "The new rules decide 1 request."),
        ({"requests": 9, "breached__first_response__new": 4, "ran__first_response__new": 9},
         "The new rules decide 9 requests, and at least 4 of them would have been late."),
    ],
)  # fmt: skip
def test_the_result_in_one_sentence(counts, sentence):
    assert report(**counts).summary == sentence


@pytest.mark.parametrize(
    ("known", "changed", "raised", "lowered", "words"),
    [
        (ComparedField("priority", "priority", ordered=True, values=("P2", "P1")), 16, 10, 6, "10 raised, 6 lowered"),
        (ComparedField("department", "routing", values=("desk", "lab")), 16, 0, 0, "16 get another department"),
        (ComparedField("category", "classification", ordered=True), 16, 9, 7, "16 get another category"),
        (ComparedField("tags", "classification", is_set=True), 2, 0, 0, "2 have other tags"),
        (
            ComparedField("risk", "priority", ordered=True, numeric=True),
            3,
            2,
            1,
            "2 get a higher number, 1 a lower one",
        ),
        (ComparedField("sla.first_response", "sla"), 1, 0, 0, "1 gets another target"),
        (ComparedField("tags", "classification", is_set=True), 1, 0, 0, "1 has other tags"),
        (ComparedField("risk", "priority", numeric=True), 1, 1, 0, "1 gets a higher number, 0 a lower one"),
        (ComparedField("department", "routing"), 0, 0, 0, ""),
    ],
)
def test_changes_are_told_in_words_that_fit(known, changed, raised, lowered, words):
    assert change_words(known, changed, raised, lowered, changed) == words


def test_a_department_is_never_raised():
    routed = {field.name: field.ordered for field in FIELDS if field.stage == "routing"}

    assert routed == {"department": False, "role": False}
    assert {field.name: field.ordered for field in FIELDS}["priority"]


@pytest.mark.parametrize(
    ("gate", "trips"), [("refused > 0", True), ("refused > 3", False), ("refused >= 3", True), ("refused > 25%", True)]
)
def test_a_gate_on_refused_requests_counts_all_requests(gate, trips):
    tally = Tally.empty(0)
    tally.counts.update({REFUSED: 3, ASKED_FOR: 10})

    result = ask(parse_gate(gate, FIELDS, ()), tally)

    assert (result.count, result.share, result.tripped) == (3, 30.0, trips)
