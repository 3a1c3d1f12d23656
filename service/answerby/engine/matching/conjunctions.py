"""Turns condition trees into conjunctions of integer tests, the only conditions that the C engine gets.

For the engine a record is a row of integer columns. A condition that tests of symbols and numbers cannot express
exactly is evaluated before, and becomes a column of its own: 1 where it is true. So no condition is left out.
"""

# Stays interpreted: it runs once per rulebook.
from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import product
from typing import NamedTuple

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op
from answerby.engine.facts.predicates import typed_operand
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary

MISSING, ERROR, FIRST_SYMBOL = 0, 1, 2
"""Codes of a symbol column; values of the field count from FIRST_SYMBOL in the vocabulary's order."""
ABSENT, PRESENT, REFUSED = 0, 1, 2
"""Codes of a presence column."""


class ColumnKind(IntEnum):
    SYMBOL = 0
    """The code of an enum or boolean field's value."""
    PRESENCE = 1
    """Whether an integer field has a value."""
    NUMBER = 2
    """The value of an integer field, 0 without one."""
    TRUE = 3
    """1 where an atom is true, 0 where it is false or an error."""
    FALSE = 4
    """1 where an atom is false, 0 where it is true or an error."""
    HOLDS = 5
    """1 where a condition of several atoms is true, 0 where it is false or an error."""


class Column(NamedTuple):
    kind: ColumnKind
    subject: str | Condition
    """The field's name; of TRUE, FALSE and HOLDS the condition."""


class Test(NamedTuple):
    """`column operator value`; the operator is `$eq` or a comparison of the engine."""

    column: Column
    operator: str
    value: int


Conjunction = frozenset[Test]
_NATIVE = {
    Op.EQ: "$eq",
    Op.AT_LEAST: "$gte",
    Op.AT_MOST: "$lte",
    Op.MORE_THAN: "$gt",
    Op.LESS_THAN: "$lt",
}


class Conjoiner:
    """Turns a condition into conjunctions of which one must be true: exact, and at most `budget` of them."""

    def __init__(self, vocabulary: Vocabulary, budget: int, most_tests: int) -> None:
        self._vocabulary = vocabulary
        self._budget = budget
        self._most_tests = most_tests

    def conjunctions(self, condition: Condition) -> list[Conjunction]:
        """The condition is true exactly for records that pass all tests of at least one of these.

        This holds with errors too, which pass no test, as Kleene's logic is distributive. An empty list: never true.
        """
        found = self._expand(condition, negated=False)
        if any(len(conjunction) > self._most_tests for conjunction in found):
            return [frozenset({_truth(condition, negated=False)})]
        return found

    def _expand(self, condition: Condition, *, negated: bool) -> list[Conjunction]:
        match condition:
            case Atom():
                return [self._literal(condition, negated=negated)]
            case Not(child):
                return self._expand(child, negated=not negated)
            case All(children) if not negated:
                return self._every(children, negated=False)
            case AnyOf(children) if negated:
                return self._every(children, negated=True)
            case All(children) | AnyOf(children):
                found = _distinct(c for child in children for c in self._expand(child, negated=negated))
                return found if len(found) <= self._budget else [frozenset({_truth(condition, negated=negated)})]

    def _every(self, children: tuple[Condition, ...], *, negated: bool) -> list[Conjunction]:
        """The product of the children's conjunctions; a child that would exceed the budget becomes one test."""
        expanded = sorted(
            ((self._expand(child, negated=negated), position) for position, child in enumerate(children)),
            key=lambda pair: (len(pair[0]), pair[1]),
        )
        factors: list[list[Conjunction]] = []
        size = 1
        for found, position in expanded:
            factor = found
            if size * len(found) > self._budget:
                factor = [frozenset({_truth(children[position], negated=negated)})]
            size *= len(factor)
            factors.append(factor)
        return _distinct(frozenset[Test]().union(*combination) for combination in product(*factors))

    def _literal(self, atom: Atom, *, negated: bool) -> Conjunction:
        field = self._vocabulary[atom.field]
        tests = None
        if field.type in (FieldType.ENUM, FieldType.BOOLEAN):
            tests = _symbol_tests(atom, field, negated=negated)
        elif field.type is FieldType.INTEGER:
            tests = _number_tests(atom, field, negated=negated)
        return frozenset(tests or {_truth(atom, negated=negated)})


def symbols(field: Field) -> dict[str | bool, int]:
    """The code of each value of an enum or boolean field."""
    values: tuple[str | bool, ...] = (False, True) if field.type is FieldType.BOOLEAN else field.values
    return {value: code for code, value in enumerate(values, FIRST_SYMBOL)}


def _symbol_tests(atom: Atom, field: Field, *, negated: bool) -> set[Test] | None:
    column = Column(ColumnKind.SYMBOL, field.name)
    if negated:
        return None
    if atom.op is Op.MISSING:
        return {Test(column, "$eq", MISSING)}
    if atom.op in (Op.EQ, Op.IN) and len(set(atom.operands)) == 1:
        return {Test(column, "$eq", symbols(field)[typed_operand(atom, field, atom.operands[0])])}
    return None


def _number_tests(atom: Atom, field: Field, *, negated: bool) -> set[Test] | None:
    """Tests of an integer. A comparison also tests that the number is present, or else 0 would stand for missing."""
    presence = Column(ColumnKind.PRESENCE, field.name)
    if atom.op is Op.MISSING:
        return {Test(presence, "$eq", PRESENT if negated else ABSENT)}
    if negated or atom.op not in _NATIVE or len(atom.operands) != 1:
        return None
    number = typed_operand(atom, field, atom.operands[0])
    return {
        Test(presence, "$eq", PRESENT),
        Test(Column(ColumnKind.NUMBER, field.name), _NATIVE[atom.op], number),
    }


def _truth(condition: Condition, *, negated: bool) -> Test:
    if isinstance(condition, Atom):
        return Test(Column(ColumnKind.FALSE if negated else ColumnKind.TRUE, condition), "$eq", 1)
    return Test(Column(ColumnKind.HOLDS, Not(condition) if negated else condition), "$eq", 1)


def _distinct(found: Iterable[Conjunction]) -> list[Conjunction]:
    return [c for c in dict.fromkeys(found) if not _contradicts_itself(c)]


def _contradicts_itself(conjunction: Conjunction) -> bool:
    """Whether one column has to equal two values, so that the conjunction is never true."""
    equal = [test.column for test in conjunction if test.operator == "$eq"]
    return len(equal) != len(set(equal))
