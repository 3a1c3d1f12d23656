"""Expectations that list names: rules, roles, flags, clocks, members of a set."""

from __future__ import annotations

from collections.abc import Callable

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, SequenceNode
from answerby.workbench.rule_tests.checks.difference import Check, Mode
from answerby.workbench.rule_tests.checks.fact_checks import NamesCheck
from answerby.workbench.rule_tests.suite.known_names import FLAGS
from answerby.workbench.rule_tests.suite.name_reader import NameReader

STAGES_OF_LISTS = {
    "breached": "sla",
    "decided_by": "",
    "matched": "",
    "flags": "",
    "missing": "completeness",
    "notified": "escalation",
    "opened": "escalation",
    "tasks": "sla",
}
"""Expectations that list names, and the stage whose explanation a failure shows."""
RULE_LISTS = ("decided_by", "matched")
ReadName = Callable[[Node], str | None]


class ListExpectations:
    """Reads expectations that list names."""

    def __init__(self, names: NameReader) -> None:
        self._names = names

    def read(self, name: str, node: Node, *, negative: bool) -> list[Check]:
        """The checks of one of `STAGES_OF_LISTS`."""
        return self.read_names(name, node, STAGES_OF_LISTS[name], self._name_reader(name), negative=negative)

    def read_names(self, name: str, node: Node, stage: str, read: ReadName, *, negative: bool) -> list[Check]:
        """The checks of a list, or of `{has: [...], not: [...]}`. `read` reads one name."""
        default = Mode.HAS if name in RULE_LISTS else Mode.IS
        if not isinstance(node, MappingNode):
            return self._check(name, node, stage, read, Mode.NOT if negative else default)
        keys = MappingKeys(self._names.nodes, node, name, (Mode.HAS.value, Mode.NOT.value))
        modes = [Mode(key.text) for key, _ in node.entries if key.text in (Mode.HAS, Mode.NOT)]
        if not modes and not node.entries:
            self._names.report.add(Code.TEST_NO_EXPECTATION, node, f"{name} expects nothing")
        if negative:
            self._names.nodes.wrong(node, "within `not` write a name or a list of names")
            return []
        operands = [(mode, operand) for mode in modes if (operand := keys.get(mode.value))]
        return [check for mode, operand in operands for check in self._check(name, operand, stage, read, mode)]

    def _check(self, name: str, node: Node, stage: str, read: ReadName, mode: Mode) -> list[Check]:
        nodes = node.items if isinstance(node, SequenceNode) else (node,)
        if not nodes and mode is not Mode.IS:
            self._names.report.add(Code.TEST_NO_EXPECTATION, node, f"{name} names nothing")
        items = [read(item) for item in nodes]
        if None in items:
            return []
        names = tuple(item for item in items if item is not None)
        if name in RULE_LISTS and names:
            stage = self._names.names.deciders[names[0]]
        return [NamesCheck(name, mode, names, stage)] if names or mode is Mode.IS else []

    def _name_reader(self, name: str) -> ReadName:
        reader, names = self._names, self._names.names
        match name:
            case "decided_by" | "matched":
                return lambda node: reader.known(node, "rule or table row", names.deciders, Code.TEST_UNKNOWN_RULE)
            case "breached":
                return reader.clock_name
            case "flags":
                return lambda node: reader.known(node, "flag", FLAGS, Code.TEST_UNKNOWN_FLAG)
            case "missing":
                return lambda node: reader.known(node, "field", names.fields, Code.UNKNOWN_FIELD)
            case "opened":
                return lambda node: reader.known(node, "case", names.cases, Code.TEST_UNKNOWN_EFFECT)
            case _:
                return lambda node: reader.known(node, "role", names.roles, Code.UNKNOWN_ROLE)
