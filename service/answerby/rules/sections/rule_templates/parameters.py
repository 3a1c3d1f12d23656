"""Parameters of rule templates: their declarations, and the arguments of a use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.values.durations import parse_duration
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.node_reader import MAX_TEXT
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode, describe


class ParameterType(StrEnum):
    """The type of a parameter."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    LIST = "list"
    """A list of scalars. A scalar stands for a list of one."""
    CONDITION = "condition"
    """The condition on a field: a value, a list, or a mapping of operators."""


_DESCRIPTIONS: Mapping[ParameterType, str] = {
    ParameterType.TEXT: "text",
    ParameterType.INTEGER: "a whole number",
    ParameterType.NUMBER: "a number",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.DURATION: "a duration such as 15m or 2bd",
    ParameterType.LIST: "a list of values",
    ParameterType.CONDITION: "a value, a list or a mapping",
}
PARAMETER_KEYS = ("type", "default", "values", "description")
Arguments = list[tuple[ScalarNode, Node]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `values` are the accepted values, or members of a list; when empty, the type alone decides."""

    name: str
    type: ParameterType
    place: Place
    default: Node | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """The id of a rule template, the place of its declaration, and its parameters by name."""

    template: str
    place: Place
    parameters: Mapping[str, Parameter]


def read_parameter(scope: NameScope, key: ScalarNode, node: Node) -> Parameter:
    """The parameter of a declaration: `area: text`, or a mapping with `type`, `default` and `values`."""
    if isinstance(node, ScalarNode) and node.value is not None:
        return Parameter(key.text, _type(scope, node), key.place)
    mapping = node if isinstance(node, ScalarNode) else scope.reader.mapping(node, f"parameter {key.text}")
    if not isinstance(mapping, MappingNode):
        return Parameter(key.text, ParameterType.TEXT, key.place)
    keys = MappingKeys(scope.reader, mapping, f"parameter {key.text}", PARAMETER_KEYS)
    type_node, values_node, default = keys.get("type"), keys.get("values"), keys.get("default")
    kind = ParameterType.TEXT if type_node is None else _type(scope, type_node)
    allowed = () if values_node is None else scope.reader.sequence(values_node, "values")
    parameter = Parameter(
        name=key.text,
        type=kind,
        place=key.place,
        values=tuple(item.text for item in allowed if isinstance(item, ScalarNode)),
    )
    if default is None or not accepts(scope, parameter, default, default.place):
        return parameter
    return replace(parameter, default=default)


def _type(scope: NameScope, node: Node) -> ParameterType:
    found = scope.reader.choice(node, "parameter type", tuple(ParameterType))
    return ParameterType(found) if found else ParameterType.CONDITION


def read_arguments(scope: NameScope, signature: Signature, arguments: Arguments, use: Place) -> dict[str, Node] | None:
    """The node for every parameter: the argument, else the default. None, with diagnostics, when one does not fit.

    `use` is the place where the template is used.
    """
    template, parameters = signature.template, signature.parameters
    found: dict[str, Node] = {}
    places: dict[str, Place] = {}
    is_right = True
    for key, node in arguments:
        parameter = parameters.get(key.text)
        if parameter is None:
            hint = scope.report.suggest(key.text, parameters)
            place = _at(key.place, signature.place)
            scope.report.add(Code.UNKNOWN_PARAMETER, place, f"{template} has no parameter {key.text}", hint)
            is_right = False
        elif key.text in places:
            first = places[key.text]
            message = f"{key.text} is already given in {first.file}:{first.line}:{first.column}"
            scope.report.add(Code.WRONG_PARAMETER, key, message, "give it in `with` or in `for_each`")
            is_right = False
        else:
            places[key.text] = key.place
            place = _at(node.place, parameter.place)
            is_right = accepts(scope, parameter, node, place) and is_right
            found[key.text] = node
    for name, parameter in parameters.items():
        if name not in places and parameter.default is None:
            place = _at(use, parameter.place)
            message = f"{template} needs the parameter {name}: {_DESCRIPTIONS[parameter.type]}"
            scope.report.add(Code.MISSING_PARAMETER, place, message, f"add `{name}: ...`")
            is_right = False
        elif name not in places and parameter.default is not None:
            found[name] = parameter.default
    return found if is_right else None


def accepts(scope: NameScope, parameter: Parameter, node: Node, place: Place) -> bool:
    """Whether the node is a valid argument for the parameter. Any other node is reported at `place`."""
    items: tuple[Node, ...] = (node,)
    if parameter.type is ParameterType.LIST and isinstance(node, SequenceNode):
        items = node.items
    if not _is_of_type(parameter.type, node):
        text = "an empty list" if isinstance(node, SequenceNode) and not node.items else describe(node)
        message = f"{parameter.name} must be {_DESCRIPTIONS[parameter.type]}, not {text}"
        scope.report.add(Code.WRONG_PARAMETER, place, message, f"give {_DESCRIPTIONS[parameter.type]}")
        return False
    for item in items:
        if parameter.values and (not isinstance(item, ScalarNode) or item.text not in parameter.values):
            text = item.text[:40] if isinstance(item, ScalarNode) else describe(item)
            message = f'{parameter.name} must be one of {", ".join(parameter.values)}, not "{text}"'
            hint = scope.report.suggest(text, parameter.values)
            scope.report.add(Code.WRONG_PARAMETER, place, message, hint)
            return False
    return True


def _is_of_type(kind: ParameterType, node: Node) -> bool:
    if kind is ParameterType.CONDITION:
        return not (isinstance(node, ScalarNode) and (node.value is None or len(node.text) > MAX_TEXT))
    if kind is ParameterType.LIST:
        items = node.items if isinstance(node, SequenceNode) else (node,)
        return bool(items) and all(_is_value(item) for item in items)
    if not isinstance(node, ScalarNode) or len(node.text) > MAX_TEXT:
        return False
    match kind:
        case ParameterType.INTEGER:
            return type(node.value) is int
        case ParameterType.NUMBER:
            return type(node.value) in {int, float}
        case ParameterType.BOOLEAN:
            return isinstance(node.value, bool)
        case ParameterType.DURATION:
            return isinstance(node.value, str) and parse_duration(node.value) is not None
    return isinstance(node.value, str) or (type(node.value) is int and str(node.value) == node.text)


def _is_value(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is not None and len(node.text) <= MAX_TEXT


def _at(use: Place, declared: Place) -> Place:
    """The place of a use, with the place of a declaration in the template."""
    outer = f", used at {use.template}" if use.template else ""
    return use._replace(template=f"{declared.file}:{declared.line}:{declared.column}{outer}")
