"""Atoms as functions of a record. Three-valued: True, False, or None when the atom cannot be evaluated."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import re2

from answerby.domain.condition import Atom, Op
from answerby.domain.errors import CalendarYearMissing, FieldViolation, InvalidInput, TimeOutOfRange
from answerby.engine.facts.coercion import Refused, type_coercer
from answerby.engine.facts.record import Evaluator
from answerby.rules.model.vocabulary import Field, FieldType, Vocabulary
from answerby.rules.text.folding import fold

if TYPE_CHECKING:
    from answerby.engine.facts.record import Record

ORDERED = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.INSTANT, FieldType.DURATION, FieldType.ENUM})
TEXTUAL = frozenset({FieldType.TEXT, FieldType.STRING})
SCALAR = frozenset(FieldType) - {FieldType.SET}
# `value op operand` read from the operand: 5 <= value is `value at least 5`.
_FROM_OPERAND: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.AT_LEAST: operator.le,
    Op.AT_MOST: operator.ge,
    Op.MORE_THAN: operator.lt,
    Op.LESS_THAN: operator.gt,
}


class WorkingTime(Protocol):
    """The part of a calendar that conditions use."""

    def is_working(self, instant: datetime) -> bool: ...


def compile_atom(atom: Atom, vocabulary: Vocabulary, calendars: Mapping[str, WorkingTime]) -> Evaluator:
    """The atom as a function. Raises InvalidInput when its op or an operand does not fit the field."""
    if atom.field not in vocabulary:
        raise _invalid(atom, "the field is not in the vocabulary")
    field = vocabulary[atom.field]
    if not atom.operands and atom.op is not Op.MISSING:
        raise _invalid(atom, f"{atom.op} needs an operand")
    match atom.op:
        case Op.MISSING:
            return partial(_missing, field.name)
        case Op.EQ | Op.IN:
            return _equality(atom, field)
        case Op.AT_LEAST | Op.AT_MOST | Op.MORE_THAN | Op.LESS_THAN:
            return _comparison(atom, field)
        case Op.HAS_ANY:
            _require(atom, field, frozenset({FieldType.SET}))
            wanted = frozenset(str(o) for o in atom.operands)
            return partial(_test, field.name, lambda value: not wanted.isdisjoint(value))
        case Op.MENTIONS:
            _require(atom, field, TEXTUAL)
            return partial(_mentions, field.name, frozenset(str(o) for o in atom.operands))
        case Op.STARTS_WITH:
            _require(atom, field, TEXTUAL)
            starts = tuple(fold(str(o)) for o in atom.operands)
            return partial(_folded, field.name, lambda text: text.startswith(starts))
        case Op.EQUALS:
            _require(atom, field, TEXTUAL)
            texts = frozenset(fold(str(o)) for o in atom.operands)
            return partial(_folded, field.name, texts.__contains__)
        case Op.MATCHES:
            return _pattern(atom, field)
        case Op.INSIDE:
            return _inside(atom, field, calendars)


def may_fail(atom: Atom) -> bool:
    """Whether the atom can be an error although its field is not."""
    return atom.op is Op.INSIDE


def ordered_values(atom: Atom, field: Field) -> tuple[str, ...]:
    """The values of an ordered enum for which a comparison is true."""
    compare, position = _FROM_OPERAND[atom.op], field.values.index(str(atom.operands[0]))
    return tuple(value for i, value in enumerate(field.values) if compare(position, i))


def typed_operand(atom: Atom, field: Field, operand: object) -> Any:
    """The operand as the record holds values of the field. Raises InvalidInput."""
    if field.type is FieldType.ENUM:
        if operand not in field.values:
            raise _invalid(atom, f"{operand!r} is none of the field's values")
        return operand
    if field.type is FieldType.DECIMAL and isinstance(operand, str):
        try:
            operand = float(operand)
        except ValueError:
            raise _invalid(atom, f"{operand!r} is not a number") from None
    if field.type is FieldType.DURATION and isinstance(operand, (int, float)) and not isinstance(operand, bool):
        return operand
    try:
        typed = type_coercer(field)(operand, [])
    except Refused as refusal:
        raise _invalid(atom, f"{operand!r} {refusal}") from None
    if typed is None:
        raise _invalid(atom, "an empty operand")
    return typed


def _equality(atom: Atom, field: Field) -> Evaluator:
    _require(atom, field, SCALAR)
    operands = frozenset(typed_operand(atom, field, o) for o in atom.operands)
    if len(operands) == 1:
        return partial(_test, field.name, partial(operator.eq, next(iter(operands))))
    return partial(_test, field.name, operands.__contains__)


def _comparison(atom: Atom, field: Field) -> Evaluator:
    _require(atom, field, ORDERED)
    if len(atom.operands) != 1:
        raise _invalid(atom, f"{atom.op} takes one operand, not {len(atom.operands)}")
    operand = typed_operand(atom, field, atom.operands[0])
    if field.type is FieldType.ENUM:
        return partial(_test, field.name, frozenset(ordered_values(atom, field)).__contains__)
    return partial(_test, field.name, partial(_FROM_OPERAND[atom.op], operand))


def _pattern(atom: Atom, field: Field) -> Evaluator:
    _require(atom, field, TEXTUAL)
    options = re2.Options()
    options.log_errors = False
    try:
        patterns = [re2.compile(str(o), options=options) for o in atom.operands]
    except re2.error as error:
        detail = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise _invalid(atom, f"not an RE2 pattern: {detail}") from None
    return partial(_matches, field.name, [pattern.search for pattern in patterns])


def _inside(atom: Atom, field: Field, calendars: Mapping[str, WorkingTime]) -> Evaluator:
    _require(atom, field, frozenset({FieldType.INSTANT}))
    for operand in atom.operands:
        if operand not in calendars:
            raise _invalid(atom, f"no calendar has the id {operand!r}")
    return partial(_is_working, atom, [calendars[str(o)] for o in atom.operands])


# A missing value is not in `record.values`. If the value was refused, the field is in `record.failures`.


def _missing(name: str, record: Record) -> bool | None:
    return None if name in record.failures else name not in record.values


def _test(name: str, test: Callable[[Any], bool], record: Record) -> bool | None:
    value = record.values.get(name)
    if value is None:
        return None if name in record.failures else False
    return test(value)


def _mentions(name: str, lexicons: frozenset[str], record: Record) -> bool | None:
    text = record.text(name)
    if text is None:
        return None if name in record.failures else False
    return not lexicons.isdisjoint(text.lexicons)


def _folded(name: str, test: Callable[[str], bool], record: Record) -> bool | None:
    text = record.text(name)
    if text is None:
        return None if name in record.failures else False
    return test(text.folded)


def _matches(name: str, searches: list[Callable[[str], object]], record: Record) -> bool | None:
    text = record.text(name)
    if text is None:
        return None if name in record.failures else False
    return any(search(text.plain) is not None for search in searches)


def _is_working(atom: Atom, calendars: list[WorkingTime], record: Record) -> bool | None:
    instant = record.values.get(atom.field)
    if instant is None:
        return None if atom.field in record.failures else False
    assert isinstance(instant, datetime)
    truth: bool | None = False
    for calendar in calendars:
        try:
            if calendar.is_working(instant):
                return True
        except (CalendarYearMissing, TimeOutOfRange) as error:
            record.fail(atom, str(error))
            truth = None
    return truth


def _require(atom: Atom, field: Field, types: frozenset[FieldType]) -> None:
    if field.type not in types:
        raise _invalid(atom, f"{atom.op} does not apply to a field of type {field.type}")


def _invalid(atom: Atom, why: str) -> InvalidInput:
    return InvalidInput([FieldViolation(atom.field, f"condition `{atom.field} {atom.op}`: {why}")])
