"""The arithmetic of scores: exact fractions, rounded once at the end; and the formula as text."""

# Stays interpreted: exact fractions are the library's work.
from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from answerby.engine.facts.coercion import Typed
from answerby.rules.model.score import FULL_SCALE, OPPOSING_FACTOR, Factor, Method, Rounding

SHOWN_PLACES = 6
"""Decimal places shown of a number without end, such as a third."""
Known = Sequence[tuple[Factor, Fraction]]
"""Factors in the method's order, each with its number."""


def number_of(factor: Factor, value: Typed) -> Fraction:
    """The number of a fact: by the factor's `numbers`, `bands` or `scale`, or the fact itself; then its limits."""
    if isinstance(value, str | bool):
        number = Fraction(factor.numbers[value])
    else:
        assert isinstance(value, int | float)
        # The shortest decimal of a float is the number that was written, such as 0.1.
        fact = Fraction(repr(value))
        number = _on_line(factor, fact) if factor.scale else _in_band(factor, fact) if factor.bands else fact
    if factor.at_least is not None:
        number = max(number, Fraction(factor.at_least))
    return number if factor.at_most is None else min(number, Fraction(factor.at_most))


def _in_band(factor: Factor, fact: Fraction) -> Fraction:
    return next(Fraction(b.number) for b in factor.bands if b.below is None or fact < Fraction(b.below))


def _on_line(factor: Factor, fact: Fraction) -> Fraction:
    assert factor.scale is not None
    low, high, at_low, at_high = map(
        Fraction, (factor.scale.low, factor.scale.high, factor.scale.at_low, factor.scale.at_high)
    )
    inside = min(max(fact, low), high)
    return at_low + (at_high - at_low) * (inside - low) / (high - low)


def compute(method: Method, known: Known) -> Fraction:
    """The exact score. No divisor is zero: the loader refuses such factors."""
    if method is Method.RICE:
        result = Fraction(1)
        for factor, number in known:
            power = number ** int(factor.weight)
            result = result / power if factor.name == OPPOSING_FACTOR[method] else result * power
        return result
    total = sum((Fraction(factor.weight) * _counted(method, factor, number) for factor, number in known), Fraction(0))
    if method is Method.HANDBOOK_RICE:
        return total / sum((Fraction(factor.weight) for factor, _ in known), Fraction(0))
    return total


def _counted(method: Method, factor: Factor, number: Fraction) -> Fraction:
    return Fraction(FULL_SCALE) - number if factor.name == OPPOSING_FACTOR.get(method) else number


def rounded(number: Fraction, places: int, rounding: Rounding) -> Fraction:
    """The number rounded to `places` decimal places."""
    scaled = number * 10**places
    match rounding:
        case Rounding.HALF_EVEN:
            whole = round(scaled)
        case Rounding.HALF_UP:
            whole = int(abs(scaled) + Fraction(1, 2)) * (1 if scaled >= 0 else -1)
        case Rounding.DOWN:
            whole = int(scaled)
    return Fraction(whole, 10**places)


def written(number: Fraction | Decimal) -> str:
    """The number as a decimal. A number without end is cut after `SHOWN_PLACES` and ends in `...`."""
    fraction = Fraction(number)
    for places in range(SHOWN_PLACES + 4):
        if fraction.denominator == 1 or (fraction * 10**places).denominator == 1:
            return _decimal(fraction, places)
    return f"{_decimal(rounded(fraction, SHOWN_PLACES, Rounding.DOWN), SHOWN_PLACES)}..."


def _decimal(fraction: Fraction, places: int) -> str:
    whole = abs(int(fraction * 10**places))
    sign = "-" if fraction < 0 else ""
    if not places:
        return f"{sign}{whole}"
    digits = f"{whole:0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def formula(method: Method, known: Known) -> str:
    """The calculation with its figures, without the result."""
    if method is Method.RICE:
        others = [(f, n) for f, n in known if f.name != OPPOSING_FACTOR[method]]
        divisor = next((f, n) for f, n in known if f.name == OPPOSING_FACTOR[method])
        return f"{' × '.join(_power(f, n) for f, n in others)} ÷ {_power(*divisor)}"
    terms = " + ".join(_term(method, factor, number) for factor, number in known)
    if method is Method.HANDBOOK_RICE:
        return f"({terms}) ÷ {written(sum((f.weight for f, _ in known), Decimal(0)))}"
    return terms


def _power(factor: Factor, number: Fraction) -> str:
    shown = _signed(number)
    return shown if factor.weight == 1 else f"{shown}^{int(factor.weight)}"


def _term(method: Method, factor: Factor, number: Fraction) -> str:
    against = factor.name == OPPOSING_FACTOR.get(method)
    return (
        f"{_signed(factor.weight)} × {f'({written(FULL_SCALE)} - {written(number)})' if against else _signed(number)}"
    )


def _signed(number: Fraction | Decimal) -> str:
    return f"({written(number)})" if number < 0 else written(number)
