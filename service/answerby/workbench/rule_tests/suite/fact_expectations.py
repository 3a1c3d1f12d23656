"""Expectations of facts: `priority: P0`, `{not: P0}`, `{at_least: P1}`, `{is: missing}`."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from answerby.engine.facts.coercion import UNKNOWN_VALUE, Refused, Typed
from answerby.rules.model.vocabulary import Field, FieldType
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, SequenceNode, plain_data
from answerby.workbench.rule_tests.checks.difference import Check, Mode
from answerby.workbench.rule_tests.checks.fact_checks import FactCheck
from answerby.workbench.rule_tests.suite.list_expectations import ListExpectations
from answerby.workbench.rule_tests.suite.name_reader import NameReader

ORDERED = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.DURATION, FieldType.INSTANT)


class FactExpectations:
    """Reads expectations of facts. `overridden` are fields that the case sets by hand, to any value."""

    def __init__(self, names: NameReader, overridden: Collection[str]) -> None:
        self._names = names
        self._nodes = names.nodes
        self._lists = ListExpectations(names)
        self._overridden = overridden

    def read(self, field: Field, node: Node, *, negative: bool) -> list[Check]:
        """The check of one field; none, reported, for an expectation that cannot be compared."""
        stage = field.derived_by[0] if field.derived_by else ""
        if field.type is FieldType.SET:
            return self._lists.read_names(field.name, node, stage, partial(self._member, field), negative=negative)
        mode, operand = self._mode(field, node)
        if mode is None or operand is None:
            return []
        if mode in (Mode.MISSING, Mode.PRESENT):
            if negative:
                mode = Mode.PRESENT if mode is Mode.MISSING else Mode.MISSING
            return [FactCheck(field.name, mode, (), stage)]
        if negative and mode is not Mode.IS:
            self._nodes.wrong(node, "within `not` write the value or a list of values")
            return []
        mode = Mode.NOT if negative else mode
        operands = self._operands(field, operand, mode)
        values = [value for item in operands or () if (value := self._value(field, item)) is not None]
        if operands is None or len(values) < len(operands):
            return []
        order = field.values if mode in (Mode.AT_LEAST, Mode.AT_MOST) else ()
        return [FactCheck(field.name, mode, tuple(values), stage, order)]

    def _operands(self, field: Field, node: Node, mode: Mode) -> tuple[Node, ...] | None:
        if mode is Mode.NOT:
            return self._nodes.one_or_more(node, field.name)
        if isinstance(node, SequenceNode):
            self._nodes.wrong(node, f"{field.name} has one value", "write {not: [...]} for several that it is not")
            return None
        return (node,)

    def _mode(self, field: Field, node: Node) -> tuple[Mode | None, Node | None]:
        """The comparison and its operand; None, reported, for a mapping that is no comparison."""
        if not isinstance(node, MappingNode):
            return Mode.IS, node
        allowed = ["is", Mode.NOT.value]
        if field.type in ORDERED or (field.type is FieldType.ENUM and field.values):
            allowed += [Mode.AT_LEAST.value, Mode.AT_MOST.value]
        if len(node.entries) != 1 or node.entries[0][0].text not in allowed:
            MappingKeys(self._nodes, node, field.name, allowed)
            if len(node.entries) != 1:
                self._nodes.wrong(node, f"{field.name} must have one of {', '.join(allowed)}")
            return None, None
        key, operand = node.entries[0]
        if key.text == "is":
            word = self._nodes.choice(operand, "is", (Mode.MISSING.value, Mode.PRESENT.value))
            return (Mode(word) if word else None), operand
        return Mode(key.text), operand

    def _value(self, field: Field, node: Node) -> Typed | None:
        """The value in the type that records hold."""
        value = plain_data(node)
        if field.name in self._names.names.derivable_values and field.name not in self._overridden:
            return self._names.derived_value(field, node)
        flags: list[object] = []
        try:
            typed = self._names.names.compiled.plan.coercers[field.name](value, flags)  # type: ignore[arg-type]
        except Refused as refusal:
            if field.values and isinstance(value, str):
                self._names.unknown_value(field, node, value, field.values)
            else:
                self._nodes.wrong(node, f"{field.name} {refusal}")
            return None
        if any(getattr(flag, "code", "") == UNKNOWN_VALUE for flag in flags):
            self._names.unknown_value(field, node, str(value), field.values)
            return None
        if typed is None:
            self._nodes.wrong(node, f"{field.name} expects an empty text", "write {is: missing}")
        return typed

    def _member(self, field: Field, node: Node) -> str | None:
        if field.name in self._names.names.derivable_values:
            if field.name in self._overridden:
                return self._nodes.text(node, field.name)
            return self._names.derived_value(field, node)
        text = self._nodes.text(node, field.name)
        if text is None or not field.values or text in field.values:
            return text
        self._names.unknown_value(field, node, text, field.values)
        return None
