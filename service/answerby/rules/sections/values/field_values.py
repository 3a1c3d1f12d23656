"""Typed values of fields, as conditions and outputs contain them."""

from __future__ import annotations

from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.name_scope import NameScope
from answerby.rules.sections.values.dates import read_instant
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.folding import fold
from answerby.rules.text.nodes import Node, ScalarNode, describe

Operand = str | int | bool


def read_operand(scope: NameScope, field: Field, node: Node) -> Operand | None:
    """The operand of a condition on the field. Instants become ISO 8601 text in UTC, durations seconds, decimals text.

    None, with a diagnostic, when the node is no value of the field.
    """
    reader = scope.reader
    match field.type:
        case FieldType.ENUM | FieldType.SET:
            return read_member(scope, field, node)
        case FieldType.TEXT | FieldType.STRING:
            return _text(scope, field, node)
        case FieldType.INTEGER:
            return reader.integer(node, field.name)
        case FieldType.DECIMAL:
            return _decimal(scope, field, node)
        case FieldType.BOOLEAN:
            return reader.boolean(node, field.name)
        case FieldType.INSTANT:
            instant = read_instant(scope.report, node, field.name, scope.zone)
            return None if instant is None else instant.isoformat()
        case FieldType.DURATION:
            return read_seconds(scope.report, node, field.name)


def _text(scope: NameScope, field: Field, node: Node) -> str | None:
    """The text. The name of a field in braces is refused: it would be compared letter by letter."""
    text = scope.reader.nonempty_text(node, field.name)
    other = text[1:-1].strip() if text and text.startswith("{") and text.endswith("}") else ""
    if other not in scope.fields:
        return text
    hint = f"conditions compare with values only; let events bring whether {field.name} is {other} as a fact of its own"
    scope.report.add(Code.WRONG_VALUE, node, f"{field.name} cannot be compared with the field {other}", hint)
    return None


def read_member(scope: NameScope, field: Field, node: Node) -> str | None:
    """A value of an enum or a set, from the value itself or an alias. A set without `values` accepts any name."""
    if not field.values:
        return scope.reader.identifier(node, f"value of {field.name}")
    text = scope.reader.text(node, field.name)
    if text is None or text in field.values:
        return text
    alias = field.aliases.get(fold(text))
    if alias is None:
        hint = scope.report.suggest(text, field.values)
        scope.report.add(Code.UNKNOWN_VALUE, node, f'{field.name} has no value "{text[:40]}"', hint)
    return alias


def _decimal(scope: NameScope, field: Field, node: Node) -> str | None:
    number = node.value if isinstance(node, ScalarNode) else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        scope.reader.wrong(node, f"{field.name} must be a number, not {describe(node)}")
        return None
    return str(int(number)) if float(number).is_integer() else repr(number)
