"""Gates: what they accept, and when they trip."""

from __future__ import annotations

import pytest

from answerby.domain.errors import InvalidInput
from answerby.workbench.backtest.fields import ComparedField
from answerby.workbench.backtest.gates import ask, parse_gate
from answerby.workbench.backtest.tally import Tally

FIELDS = (
    ComparedField("priority", "priority", ordered=True, values=("P3", "P2", "P1")),
    ComparedField("tags", "classification", is_set=True),
    ComparedField("sla.first_response", "sla"),
)
CLOCKS = ("first_response",)


def tally(requests: int, **counts: int) -> Tally:
    made = Tally.empty(0)
    made.counts["compared",] = requests
    for name, number in counts.items():
        made.counts[tuple(name.split("__"))] = number
    return made


@pytest.mark.parametrize(
    ("gate", "raised", "requests", "trips"),
    [
        ("priority.raised > 5%", 5, 100, False),
        ("priority.raised > 5%", 6, 100, True),
        ("priority.raised >= 5%", 5, 100, True),
        ("priority.raised>5", 5, 100, False),
        ("priority.raised >= 5", 5, 100, True),
        ("priority.raised > 0", 0, 100, False),
        ("priority.raised > 0.5%", 1, 199, True),
        ("priority.raised > 0.5%", 1, 200, False),
        # 7 % of 100 is exactly 7, although 0.07 * 100 is more than that in binary.
        ("priority.raised > 7%", 7, 100, False),
        ("priority.raised >= 7%", 7, 100, True),
    ],
)
def test_limits_are_exact(gate: str, raised: int, requests: int, trips: bool) -> None:
    result = ask(parse_gate(gate, FIELDS, CLOCKS), tally(requests, raised__priority=raised))

    assert (result.count, result.tripped) == (raised, trips)


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ("priority.changed", ("changed", "priority")),
        ("priority.lowered", ("lowered", "priority")),
        ("tags.changed", ("changed", "tags")),
        ("sla.first_response.changed", ("changed", "sla.first_response")),
        ("breach.new", ("breach.new",)),
        ("breach.gone", ("breach.gone",)),
        ("clock.first_response.breach.new", ("breach", "first_response", "new")),
        ("clock.first_response.breach.gone", ("breach", "first_response", "gone")),
        ("effects.changed", ("effects.changed",)),
        ("errors.new", ("errors.new",)),
    ],
)
def test_everything_that_is_counted_can_be_asked(subject: str, key: tuple[str, ...]) -> None:
    assert parse_gate(f"{subject} > 1", FIELDS, CLOCKS).key == key


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("priority.raised < 5", "is no gate"),
        ("priority.raised 5%", "is no gate"),
        ("priority.raised > five", "is no gate"),
        ("priority.raised > -1", "is no gate"),
        ("", "is no gate"),
        ("priority.raised > 5 or breach.new > 1", "is no gate"),
        ("priority.raisd > 5", 'did you mean "priority.raised"?'),
        ("clock.resolution.breach.new > 5", "did you mean"),
        ("tags.raised > 5", 'there is no "tags.raised"'),
        ("priority.raised > 101%", "more than 100 %"),
        ("priority.raised > 0.5", "whole number"),
    ],
)
def test_a_wrong_gate_says_what_is_wrong(gate: str, told: str) -> None:
    with pytest.raises(InvalidInput, match="--fail-if") as error:
        parse_gate(gate, FIELDS, CLOCKS)

    assert told in error.value.message
