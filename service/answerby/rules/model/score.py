"""Scores: numbers that a stage computes of facts, by a method and weights that stand in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from answerby.domain.condition import ALWAYS, Condition


class Method(StrEnum):
    """How the factors of a score come together."""

    RICE = "rice"
    """reach x impact x confidence / effort, the usual formula; any further factor multiplies."""
    HANDBOOK_RICE = "handbook_rice"
    """The weighted mean of reach, (100 - difficulty), confidence, urgency and any further factor, each 0 to 100."""
    WEIGHTED_SUM = "weighted_sum"
    """The sum of weight x factor."""


class Rounding(StrEnum):
    """What becomes of a half, or of the rest."""

    HALF_UP = "half_up"
    """Away from zero: 2.5 is 3, -2.5 is -3."""
    HALF_EVEN = "half_even"
    """To the even neighbour: 2.5 is 2, 3.5 is 4."""
    DOWN = "down"
    """Towards zero: 2.9 is 2."""


FACTORS: Mapping[Method, tuple[str, ...]] = {
    Method.RICE: ("reach", "impact", "confidence", "effort"),
    Method.HANDBOOK_RICE: ("reach", "difficulty", "confidence", "urgency"),
    Method.WEIGHTED_SUM: (),
}
"""The factors that a method must have, in its order."""
OPPOSING_FACTOR: Mapping[Method, str] = {Method.RICE: "effort", Method.HANDBOOK_RICE: "difficulty"}
"""The factor that counts against the request: the divisor of RICE, what is taken from 100 in the handbook's."""
FULL_SCALE = Decimal(100)
"""The most that a factor of the handbook's RICE can be."""
LARGEST_SCORE = Decimal(1_000_000_000)
"""Scores stay below this in magnitude, so that with 6 decimal places they travel exactly as floats."""


@dataclass(frozen=True, slots=True)
class Band:
    """A number for all facts below a limit; None: for all that are left."""

    below: Decimal | None
    number: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from (low, at_low) to (high, at_high), level beyond its ends."""

    low: Decimal
    high: Decimal
    at_low: Decimal
    at_high: Decimal


@dataclass(frozen=True, slots=True)
class Factor:
    """One input of a score and how its fact becomes a number: by `numbers`, `bands` or `scale`, else as it is."""

    name: str
    field: str
    weight: Decimal = Decimal(1)
    """A multiplier; in RICE, which multiplies already, a power."""
    numbers: Mapping[str | bool, Decimal] = dataclasses.field(default_factory=dict)
    """Of an enum or a boolean: the number of each value."""
    bands: tuple[Band, ...] = ()
    scale: Scale | None = None
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    missing: Decimal | None = None
    """The number where there is no fact; None: then there is no score."""


@dataclass(frozen=True, slots=True)
class TieBreak:
    """Orders requests of equal score: the first value of `order` gets the highest number, a missing one 0."""

    field: str
    order: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class Score:
    """A number that a stage computes after its rules, for requests that meet `when`."""

    id: str
    stage: str
    because: str
    method: Method
    output: str
    factors: tuple[Factor, ...]
    """In the method's order, further ones by name."""
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
        return (self.output,) if self.tie_break is None else (self.output, self.tie_break.output)
