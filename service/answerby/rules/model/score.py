"""Scores: numbers that a stage computes from facts, with the method and the weights of a rule file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from answerby.domain.condition import ALWAYS, Condition


class Method(StrEnum):
    """The formula that combines the factors of a score."""

    RICE = "rice"
    """reach x impact x confidence / effort, the usual formula; any further factor multiplies."""
    HANDBOOK_RICE = "handbook_rice"
    """The weighted mean of reach, (100 - difficulty), confidence, urgency and any further factor, each 0 to 100."""
    WEIGHTED_SUM = "weighted_sum"
    """The sum of weight x factor."""


class Rounding(StrEnum):
    """The way to round."""

    HALF_UP = "half_up"
    """A half goes away from zero: 2.5 becomes 3, -2.5 becomes -3."""
    HALF_EVEN = "half_even"
    """A half goes to the even neighbour: 2.5 becomes 2, 3.5 becomes 4."""
    DOWN = "down"
    """Every fraction goes towards zero: 2.9 becomes 2."""


FACTORS: Mapping[Method, tuple[str, ...]] = {
    Method.RICE: ("reach", "impact", "confidence", "effort"),
    Method.HANDBOOK_RICE: ("reach", "difficulty", "confidence", "urgency"),
    Method.WEIGHTED_SUM: (),
}
"""The required factors of each method, in the order of its formula."""
OPPOSING_FACTOR: Mapping[Method, str] = {Method.RICE: "effort", Method.HANDBOOK_RICE: "difficulty"}
"""The factor that counts against the request: the divisor of RICE; in the handbook's RICE it is subtracted from 100."""
FULL_SCALE = Decimal(100)
"""The largest factor of the handbook's RICE."""
LARGEST_SCORE = Decimal(1_000_000_000)
"""Scores stay below this magnitude. With 6 decimal places they are then exact as floats."""


@dataclass(frozen=True, slots=True)
class Band:
    """A number for all facts below a limit. The last band has no limit."""

    below: Decimal | None
    number: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from (low, at_low) to (high, at_high). Beyond its ends the line is level."""

    low: Decimal
    high: Decimal
    at_low: Decimal
    at_high: Decimal


@dataclass(frozen=True, slots=True)
class Factor:
    """One input of a score. `numbers`, `bands` or `scale` turn the fact into a number; else the fact is the number."""

    name: str
    field: str
    weight: Decimal = Decimal(1)
    """A multiplier. RICE multiplies its factors already, so there the weight is a power."""
    numbers: Mapping[str | bool, Decimal] = dataclasses.field(default_factory=dict)
    """The number of each value of an enum or a boolean."""
    bands: tuple[Band, ...] = ()
    scale: Scale | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    missing: Decimal | None = None
    """The number of a missing fact. Without it a missing fact means that there is no score."""


@dataclass(frozen=True, slots=True)
class TieBreak:
    """An order for requests of equal score. The first value of `order` gets the highest number, a missing value 0."""

    field: str
    order: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class Score:
    """A number that a stage computes after its rules, for requests that meet the condition `when`."""

    id: str
    stage: str
    because: str
    method: Method
    output: str
    factors: tuple[Factor, ...]
    """The required factors in the order of the method, then the others by name."""
    file: str
    line: int
    owner: str = ""
    when: Condition = ALWAYS
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    places: int = 2
    rounding: Rounding = Rounding.HALF_UP
    tie_break: TieBreak | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the fields that the score sets."""
        return (self.output,) if self.tie_break is None else (self.output, self.tie_break.output)
