"""One factor of a score, with the checks of its method: no division by zero, no factor outside 0 to 100."""

from __future__ import annotations

from decimal import Decimal

from answerby.rules.model.score import FULL_SCALE, OPPOSING_FACTOR, Factor, Method
from answerby.rules.model.vocabulary import Field
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.scores.numbers import LISTED, NUMERIC, read_bands, read_number, read_numbers, read_scale
from answerby.rules.sections.stages.conditions import ConditionCompiler
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node

FACTOR_KEYS = ("field", "weight", "numbers", "bands", "scale", "at_least", "at_most", "missing", "description")
_WAYS = ("numbers", "bands", "scale")
MAX_POWER = 4


def read_factor(
    scope: NameScope, conditions: ConditionCompiler, method: Method | None, name: str, node: Node
) -> Factor | None:
    """The factor `name`. None, with a diagnostic, when the factor cannot be used."""
    mapping = scope.reader.mapping(node, f"factor {name}")
    if mapping is None:
        return None
    keys = MappingKeys(scope.reader, mapping, f"factor {name}", FACTOR_KEYS)
    weight = _weight(scope, keys, method)
    at_least, at_most, missing = (_optional(scope, keys, key) for key in ("at_least", "at_most", "missing"))
    field_node = keys.require("field")
    field_name = None if field_node is None else conditions.field_name(field_node)
    if field_name is None or field_node is None:
        return None
    field = scope.fields[field_name]
    if not _is_usable(scope, field, field_node) or not _has_one_way(scope, keys, field):
        return None
    numbers_node, bands_node, scale_node = (keys.get(key) for key in _WAYS)
    way = numbers_node or bands_node or scale_node
    factor = Factor(
        name=name,
        field=field_name,
        weight=weight,
        numbers={} if numbers_node is None else read_numbers(scope, field, numbers_node),
        bands=() if bands_node is None else read_bands(scope, bands_node),
        scale=None if scale_node is None else read_scale(scope, scale_node),
        at_least=at_least,
        at_most=at_most,
        missing=missing,
    )
    if way is not None and not (factor.numbers or factor.bands or factor.scale):
        return None
    _check_range(scope, method, factor, mapping)
    return factor


def _is_usable(scope: NameScope, field: Field, node: Node) -> bool:
    if field.type not in NUMERIC | LISTED:
        message = f"{field.name} is of type {field.type}; a factor is a number, an enum or a boolean"
        scope.report.add(Code.WRONG_TYPE, node, message)
        return False
    if field.personal:
        message = f"{field.name} is personal, and a score is explained with its factors"
        scope.report.add(Code.PERSONAL_FIELD, node, message, "use a field that may be shown")
        return False
    return True


def _has_one_way(scope: NameScope, keys: MappingKeys, field: Field) -> bool:
    """Whether the way from fact to number fits: `numbers` for an enum or a boolean, at most one way for a number."""
    ways = [key for key in _WAYS if keys.get(key) is not None]
    if len(ways) > 1:
        scope.report.add(Code.WRONG_VALUE, keys.node, f"{keys.what} has {' and '.join(ways)}", "keep one")
        return False
    if field.type in LISTED and "numbers" not in ways:
        message = f"{keys.what} must say what number each value of {field.name} is"
        scope.report.add(Code.SCORE_UNMAPPED, keys.node, message, "add `numbers: {value: number, ...}`")
        return False
    return True


def _weight(scope: NameScope, keys: MappingKeys, method: Method | None) -> Decimal:
    node = keys.get("weight")
    weight = None if node is None else read_number(scope, node, "weight")
    if node is None or weight is None:
        return Decimal(1)
    if weight == 0:
        scope.report.add(Code.WRONG_VALUE, node, "with weight 0 the factor does not count", "leave the factor out")
    elif method is Method.RICE and not (weight == int(weight) and 1 <= weight <= MAX_POWER):
        message = f"in {method} factors are multiplied, so a weight is a power: a whole number from 1 to {MAX_POWER}"
        scope.report.add(Code.WRONG_VALUE, node, message, f"{Method.WEIGHTED_SUM} takes any weight")
    elif method is Method.HANDBOOK_RICE and weight < 0:
        scope.report.add(Code.WRONG_VALUE, node, f"in {method} a weight is positive, so that the mean is 0 to 100")
    return weight


def _optional(scope: NameScope, keys: MappingKeys, key: str) -> Decimal | None:
    node = keys.get(key)
    return None if node is None else read_number(scope, node, key)


def _check_range(scope: NameScope, method: Method | None, factor: Factor, node: MappingNode) -> None:
    least, most = range_of(factor)
    if factor.at_least is not None and factor.at_most is not None and factor.at_least > factor.at_most:
        scope.report.add(Code.WRONG_VALUE, node, f"factor {factor.name}: at_least is more than at_most")
    elif method is Method.RICE and factor.name == OPPOSING_FACTOR[method] and (least is None or least <= 0):
        message = f"RICE divides by {factor.name}, which can be {'0 or less' if least is None else f'{least:f}'}"
        hint = "add `at_least: 0.25`, or the least that counts, to the factor"
        scope.report.add(Code.SCORE_DIVISION, node, message, hint)
    elif method is Method.HANDBOOK_RICE and (least is None or most is None or least < 0 or most > FULL_SCALE):
        span = f"can be {_limit_text(least)} to {_limit_text(most)}"
        message = f"in {method} every factor is 0 to 100, but {factor.name} {span}"
        hint = "use `scale: {from: [least, most], to: [0, 100]}`, `bands` or `numbers`, or `at_least` and `at_most`"
        scope.report.add(Code.SCORE_RANGE, node, message, hint)


def _limit_text(limit: Decimal | None) -> str:
    return "anything" if limit is None else f"{limit:f}"


def range_of(factor: Factor) -> tuple[Decimal | None, Decimal | None]:
    """The least and the largest number of the factor. None for a side without limit."""
    numbers = [*factor.numbers.values(), *(band.number for band in factor.bands)]
    if factor.scale is not None:
        numbers += [factor.scale.at_low, factor.scale.at_high]
    least, most = (min(numbers), max(numbers)) if numbers else (None, None)
    if factor.at_least is not None:
        least = factor.at_least if least is None else max(least, factor.at_least)
        most = None if most is None else max(most, factor.at_least)
    if factor.at_most is not None:
        most = factor.at_most if most is None else min(most, factor.at_most)
        least = None if least is None else min(least, factor.at_most)
    if factor.missing is not None:
        least = None if least is None else min(least, factor.missing)
        most = None if most is None else max(most, factor.missing)
    return least, most
