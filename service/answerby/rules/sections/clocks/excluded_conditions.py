"""Conditions that exclude each other because one field would need two values at once."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.condition import All, AnyOf, Atom, Condition, Not, Op
from answerby.rules.model.vocabulary import Field, FieldType

_MISSING = "a missing value"
_SINGLE = frozenset({FieldType.ENUM, FieldType.BOOLEAN, FieldType.STRING})

Values = frozenset[object]


def exclude_each_other(fields: Mapping[str, Field], *conditions: Condition) -> bool:
    """Whether no facts meet all the conditions. False where that is not plain from the values of single fields."""
    return any(not values for values in _needed(fields, All(conditions)).values())


def _needed(fields: Mapping[str, Field], condition: Condition) -> dict[str, Values]:
    """The values that fields must have for the condition to hold; fields that may have any are left out."""
    match condition:
        case Atom():
            return _of_atom(fields, condition)
        case All(children):
            found: dict[str, Values] = {}
            for child in children:
                for name, values in _needed(fields, child).items():
                    found[name] = found[name] & values if name in found else values
            return found
        case AnyOf(children):
            # A child that no facts meet adds nothing.
            each = [needed for child in children if all((needed := _needed(fields, child)).values())]
            shared = set.intersection(*(set(needed) for needed in each)) if each else set()
            return {name: frozenset().union(*(needed[name] for needed in each)) for name in shared}
        case Not(child):
            return _not(fields, child)


def _of_atom(fields: Mapping[str, Field], atom: Atom) -> dict[str, Values]:
    field = fields.get(atom.field)
    if field is None or field.type not in _SINGLE:
        return {}
    if atom.op in (Op.EQ, Op.IN):
        return {atom.field: frozenset(atom.operands)}
    return {atom.field: frozenset({_MISSING})} if atom.op is Op.MISSING else {}


def _not(fields: Mapping[str, Field], child: Condition) -> dict[str, Values]:
    """What `not` of a single test needs, of fields whose values are all known."""
    if not isinstance(child, Atom) or child.op not in (Op.EQ, Op.IN):
        return {}
    field = fields.get(child.field)
    if field is None or field.type not in (FieldType.ENUM, FieldType.BOOLEAN):
        return {}
    every: Values = frozenset((True, False) if field.type is FieldType.BOOLEAN else field.values)
    return {child.field: (every | {_MISSING}) - frozenset(child.operands)}
