"""Exact numbers in scores, and the ways from a fact to a number: `numbers`, `bands`, `scale`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from answerby.rules.model.score import Band, Scale
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.values.field_values import read_member
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe

MAX_NUMBER = Decimal(10) ** 12
SCALE_KEYS = ("from", "to")
BAND_KEYS = ("below", "number")
MAX_DECIMAL_PLACES = 9
NUMERIC = frozenset({FieldType.INTEGER, FieldType.DECIMAL, FieldType.DURATION})
LISTED = frozenset({FieldType.ENUM, FieldType.BOOLEAN})


def read_number(scope: NameScope, node: Node, what: str) -> Decimal | None:
    """An exact number up to 10^12 in magnitude, with at most 9 decimal places. None, with a diagnostic, otherwise."""
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(node, ScalarNode):
        hint = "remove the quotes" if isinstance(node, ScalarNode) and _looks_numeric(node.text) else ""
        scope.reader.wrong(node, f"{what} must be a number, not {describe(node)}", hint)
        return None
    number = Decimal(node.text)
    exponent = number.normalize().as_tuple().exponent
    if abs(number) > MAX_NUMBER or (isinstance(exponent, int) and exponent < -MAX_DECIMAL_PLACES):
        message = f"{what} must be at most {MAX_NUMBER:f} and have at most {MAX_DECIMAL_PLACES} decimal places"
        scope.report.add(Code.WRONG_VALUE, node, message)
        return None
    return number


def read_pair(scope: NameScope, node: Node, what: str) -> tuple[Decimal, Decimal] | None:
    """The two numbers of `[least, most]`. None, with a diagnostic, for anything else."""
    items = scope.reader.sequence(node, what)
    if len(items) != 2:
        if items:
            scope.report.add(Code.WRONG_VALUE, node, f"{what} takes two numbers", f"write {what}: [least, most]")
        return None
    low, high = (read_number(scope, item, what) for item in items)
    return None if low is None or high is None else (low, high)


def read_numbers(scope: NameScope, field: Field, node: Node) -> Mapping[str | bool, Decimal]:
    """The numbers of `numbers:`, by value of an enum or a boolean. A value without a number is reported."""
    mapping = scope.reader.mapping(node, "numbers")
    if mapping is None:
        return {}
    if field.type not in LISTED:
        message = f"`numbers` is for an enum or a boolean, but {field.name} is of type {field.type}"
        scope.report.add(Code.WRONG_TYPE, node, message, "write `bands` or `scale`")
        return {}
    found: dict[str | bool, Decimal] = {}
    members: set[str | bool] = set()
    for key, value in mapping.entries:
        member = _member(scope, field, key)
        if member is None:
            continue
        if member in members:
            scope.report.add(Code.DUPLICATE_ID, key, f"{key.text} has a number already")
        members.add(member)
        number = read_number(scope, value, f"the number of {key.text}")
        if number is not None:
            found[member] = number
    _report_unmapped(scope, field, node, members)
    return MappingProxyType({value: found[value] for value in _members(field) if value in found})


def read_bands(scope: NameScope, node: Node) -> tuple[Band, ...]:
    """The bands of `bands:`. Their limits must rise, and the last band must have no limit."""
    found: list[Band] = []
    items = scope.reader.sequence(node, "bands")
    for position, item in enumerate(items, start=1):
        mapping = scope.reader.mapping(item, "band")
        band = None if mapping is None else _band(scope, mapping)
        if band is None:
            return ()
        last = position == len(items)
        if last != (band.below is None):
            hint = "end with {number: ...} for everything else"
            message = "the last band must be without `below`" if last else "only the last band is without `below`"
            scope.report.add(Code.WRONG_VALUE, item, message, hint)
            return ()
        if found and band.below is not None and band.below <= (found[-1].below or 0):
            scope.report.add(Code.NEVER_TRUE, item, "the limits of bands must rise", "put the lowest first")
            return ()
        found.append(band)
    return tuple(found)


def read_scale(scope: NameScope, node: Node) -> Scale | None:
    """The scale of `scale: {from: [0, 1000], to: [0, 100]}`. None, with a diagnostic, for a wrong one."""
    mapping = scope.reader.mapping(node, "scale")
    if mapping is None:
        return None
    keys = MappingKeys(scope.reader, mapping, "scale", SCALE_KEYS)
    from_node, to_node = keys.require("from"), keys.require("to")
    if from_node is None or to_node is None:
        return None
    fact, number = read_pair(scope, from_node, "from"), read_pair(scope, to_node, "to")
    if fact is None or number is None:
        return None
    if fact[0] >= fact[1]:
        scope.report.add(Code.WRONG_VALUE, from_node, "`from` must rise", "put the lower figure first")
        return None
    return Scale(fact[0], fact[1], number[0], number[1])


def _band(scope: NameScope, mapping: MappingNode) -> Band | None:
    keys = MappingKeys(scope.reader, mapping, "band", BAND_KEYS)
    below_node, number_node = keys.get("below"), keys.require("number")
    number = None if number_node is None else read_number(scope, number_node, "number")
    below = None if below_node is None else read_number(scope, below_node, "below")
    if number is None or (below_node is not None and below is None):
        return None
    return Band(below, number)


def _members(field: Field) -> tuple[str | bool, ...]:
    return (False, True) if field.type is FieldType.BOOLEAN else field.values


def _member(scope: NameScope, field: Field, key: ScalarNode) -> str | bool | None:
    return scope.reader.boolean(key, field.name) if field.type is FieldType.BOOLEAN else read_member(scope, field, key)


def _report_unmapped(scope: NameScope, field: Field, node: Node, members: set[str | bool]) -> None:
    missing = [_yaml_text(value) for value in _members(field) if value not in members]
    if missing:
        message = f"{', '.join(missing)} of {field.name} {'has' if len(missing) == 1 else 'have'} no number"
        hint = f"add {', '.join(f'`{value}: ...`' for value in missing[:3])}"
        scope.report.add(Code.SCORE_UNMAPPED, node, message, hint)


def report_unordered(scope: NameScope, field: Field, node: SequenceNode, members: set[str]) -> None:
    """Reports values of the field that the `order:` of a tie-break leaves out."""
    missing = [value for value in field.values if value not in members]
    if missing:
        message = f"the order leaves out {', '.join(missing)} of {field.name}"
        scope.report.add(Code.SCORE_UNMAPPED, node, message, "name every value, the one that goes first at the front")


def _yaml_text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


def _looks_numeric(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdecimal()
