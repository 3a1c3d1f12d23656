"""Conditions on facts, as trees. The language is small, so that conditions can be analysed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Op(StrEnum):
    """The test of an atom on one field. On a missing field every test is false, except MISSING."""

    EQ = "eq"
    IN = "in"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    HAS_ANY = "has_any"
    """A set field holds at least one of the values."""
    MISSING = "missing"
    MENTIONS = "mentions"
    """A text field holds a term of at least one of the lexicons."""
    STARTS_WITH = "starts_with"
    EQUALS = "equals"
    """A text field equals one of the values, after the same folding as lexicon terms."""
    MATCHES = "matches"
    """A text field matches a linear-time (RE2) pattern, anywhere in it."""
    INSIDE = "inside"
    """An instant field lies in the working time of a calendar."""


@dataclass(frozen=True, slots=True)
class Atom:
    """`field op operands`. The vocabulary types the operands. They are sorted, so that equal tests are equal atoms."""

    field: str
    op: Op
    operands: tuple[str | int | bool, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    children: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    children: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    child: Condition


Condition = Atom | All | AnyOf | Not

ALWAYS = All(())
"""The condition of a rule without `when`."""


def atoms(condition: Condition) -> Iterator[Atom]:
    """Every atom of the tree, left to right, with repetitions."""
    match condition:
        case Atom():
            yield condition
        case Not(child):
            yield from atoms(child)
        case All(children) | AnyOf(children):
            for child in children:
                yield from atoms(child)
