"""`when:` to a tree of conditions, by the types of the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from answerby.domain.condition import ALWAYS, Condition, Op
from answerby.rules.model.canonical_conditions import all_of, any_of, atom, negate
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.sections.name_scope import NameKind, NameScope
from answerby.rules.sections.stages.operators import ALL_OPERATORS, OPERATORS, foreign_hint
from answerby.rules.sections.values.field_values import read_operand
from answerby.rules.sections.values.patterns import is_pattern
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe

_EQUALITY: Mapping[FieldType, Op] = {FieldType.SET: Op.HAS_ANY, FieldType.TEXT: Op.EQUALS}
_FIELD_OF_REFERENCE = {Op.MENTIONS: NameKind.LEXICON, Op.INSIDE: NameKind.CALENDAR}

OnField = Callable[[str, Node], None]
"""A function that is called with the name and the node of each field that a condition reads."""


class ConditionCompiler:
    """Compiles the conditions of one stage. A wrong part is reported, and reads as always true."""

    def __init__(self, scope: NameScope, on_field: OnField) -> None:
        self._scope = scope
        self._report = scope.report
        self._on_field = on_field

    def when(self, node: Node) -> Condition:
        """The condition of a mapping of fields, `all`, `any` and `not`. All entries must hold."""
        mapping = self._scope.reader.mapping(node, "when")
        if mapping is not None and not mapping.entries:
            hint = "say when, or leave the condition out; a rule for all else says `otherwise: true`"
            self._report.add(Code.EMPTY_CONDITION, node, "the condition asks nothing, so it would always hold", hint)
        return all_of(self._entry(key, value) for key, value in mapping.entries) if mapping else ALWAYS

    def _entry(self, key: ScalarNode, value: Node) -> Condition:
        match key.text:
            case "all":
                return all_of(self.when(item) for item in self._scope.reader.sequence(value, "all"))
            case "any":
                return any_of(self.when(item) for item in self._scope.reader.sequence(value, "any"))
            case "not":
                return self._negated(value)
        name = self.field_name(key)
        return ALWAYS if name is None else self.on_field(name, value)

    def _negated(self, node: Node) -> Condition:
        return negate(self.when(node))

    def field_name(self, node: Node) -> str | None:
        """The field that a node names. None, with a diagnostic, for an unknown field or a wrong declaration."""
        name = self._scope.refer(NameKind.FIELD, node)
        if name is None:
            return None
        self._on_field(name, node)
        return name if name in self._scope.fields else None

    def on_field(self, name: str, node: Node) -> Condition:
        """The condition on one field, from a value, a list of values, or a mapping of operators."""
        field = self._scope.fields[name]
        match node:
            case ScalarNode(value=None):
                message = f"{name} is compared with nothing"
                self._report.add(Code.WRONG_TYPE, node, message, "write {is: missing} to ask whether it is missing")
                return ALWAYS
            case ScalarNode() | SequenceNode():
                return self._equal(field, node)
            case MappingNode(entries=()):
                self._report.add(Code.EMPTY_LIST, node, f"{name} is asked nothing")
                return ALWAYS
            case MappingNode():
                return all_of(self._operator(field, key, value) for key, value in node.entries)

    def _equal(self, field: Field, node: Node) -> Condition:
        if field.type is FieldType.INSTANT:
            self._report.add(
                Code.WRONG_OPERATOR,
                node,
                f"{field.name} is an instant, which nothing equals",
                "write at_least, less_than, between, inside or outside",
            )
            return ALWAYS
        return self._atom(field, _EQUALITY.get(field.type, Op.EQ), node)

    def _atom(self, field: Field, op: Op, node: Node) -> Condition:
        items = self._scope.reader.one_or_more(node, field.name)
        operands = [o for item in items if (o := read_operand(self._scope, field, item)) is not None]
        return atom(field.name, op, operands) if operands else ALWAYS

    def _operator(self, field: Field, key: ScalarNode, node: Node) -> Condition:
        name = key.text
        allowed = OPERATORS[field.type]
        if name not in allowed:
            self._refuse_operator(field, key, allowed)
            return ALWAYS
        match name:
            case "not":
                return negate(self.on_field(field.name, node))
            case "is":
                return self._presence(field, node)
            case "between":
                return self._between(field, node)
            case "at_least" | "at_most" | "more_than" | "less_than":
                return self._compare(field, Op(name), node)
            case "mentions":
                return self._reference(field, Op.MENTIONS, node)
            case "inside":
                return self._reference(field, Op.INSIDE, node)
            case "outside":
                return negate(self._reference(field, Op.INSIDE, node))
            case "matches":
                return self._pattern(field, node)
            case "has":
                return self._atom(field, Op.HAS_ANY, node)
        return self._atom(field, Op(name), node)

    def _refuse_operator(self, field: Field, key: ScalarNode, allowed: frozenset[str]) -> None:
        if key.text in ALL_OPERATORS:
            message = f"{key.text} does not apply to {field.name}, which is of type {field.type}"
            self._report.add(Code.WRONG_OPERATOR, key, message, "it takes " + ", ".join(sorted(allowed)))
        else:
            message = f'there is no operator "{key.text}"'
            hint = foreign_hint(key.text, allowed) or self._report.suggest(key.text, allowed)
            self._report.add(Code.UNKNOWN_OPERATOR, key, message, hint)

    def _presence(self, field: Field, node: Node) -> Condition:
        choice = self._scope.reader.choice(node, "is", ("missing", "present"))
        missing = atom(field.name, Op.MISSING, ())
        return negate(missing) if choice == "present" else missing

    def _between(self, field: Field, node: Node) -> Condition:
        items = self._scope.reader.sequence(node, "between")
        if len(items) != 2:
            if items:
                self._report.add(Code.WRONG_VALUE, node, "between takes two values", "write between: [least, most]")
            return ALWAYS
        low, high = (read_operand(self._scope, field, item) for item in items)
        if low is None or high is None:
            return ALWAYS
        if _is_after(field, low, high):
            self._report.add(Code.NEVER_TRUE, node, f"nothing is between {low} and {high}", "put the least first")
            return ALWAYS
        if field.type is FieldType.ENUM:
            return self._one_of(field, node, field.severity(str(low)), field.severity(str(high)))
        return all_of((atom(field.name, Op.AT_LEAST, (low,)), atom(field.name, Op.AT_MOST, (high,))))

    def _compare(self, field: Field, op: Op, node: Node) -> Condition:
        if not isinstance(node, ScalarNode):
            self._scope.reader.wrong(node, f"{op} takes one value, not {describe(node)}")
            return ALWAYS
        operand = read_operand(self._scope, field, node)
        if operand is None:
            return ALWAYS
        if field.type is not FieldType.ENUM:
            return atom(field.name, op, (operand,))
        at, last = field.severity(str(operand)), len(field.values) - 1
        low, high = {
            Op.AT_LEAST: (at, last),
            Op.MORE_THAN: (at + 1, last),
            Op.AT_MOST: (0, at),
            Op.LESS_THAN: (0, at - 1),
        }[op]
        return self._one_of(field, node, low, high)

    def _one_of(self, field: Field, node: Node, low: int, high: int) -> Condition:
        """The condition that an enum has a value from position `low` to position `high`."""
        values = field.values[low : high + 1]
        if not values:
            order_hint = f"its values, from least to most severe: {', '.join(field.values)}"
            self._report.add(Code.NEVER_TRUE, node, f"no value of {field.name} is beyond this one", order_hint)
            return ALWAYS
        return atom(field.name, Op.IN, values)

    def _reference(self, field: Field, op: Op, node: Node) -> Condition:
        names = self._scope.refer_all(_FIELD_OF_REFERENCE[op], node)
        return atom(field.name, op, names) if names else ALWAYS

    def _pattern(self, field: Field, node: Node) -> Condition:
        text = self._scope.reader.nonempty_text(node, "pattern")
        if text is None or not is_pattern(self._scope, node, text):
            return ALWAYS
        return atom(field.name, Op.MATCHES, (text,))


def _is_after(field: Field, low: str | int | bool, high: str | int | bool) -> bool:
    """Whether `low` is more than `high` in the order of the field."""
    match field.type:
        case FieldType.ENUM:
            return field.severity(str(low)) > field.severity(str(high))
        case FieldType.INSTANT:
            return str(low) > str(high)
        case _:
            return float(low) > float(high)
