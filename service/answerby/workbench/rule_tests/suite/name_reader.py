"""Reads names that the rules under test must declare."""

from __future__ import annotations

from collections.abc import Collection

from answerby.rules.model.vocabulary import Field
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, ScalarNode
from answerby.workbench.rule_tests.suite.known_names import KnownNames


class NameReader:
    """Reads names of one test file. An unknown name is reported and read as None."""

    def __init__(self, names: KnownNames, report: DiagnosticReport) -> None:
        self.names = names
        self.report = report
        self.nodes = NodeReader(report)

    def known(self, node: Node, what: str, known: Collection[str], code: Code) -> str | None:
        """A name that is one of `known`; `what` is its kind in messages."""
        text = self.nodes.text(node, what)
        if text is None or text in known:
            return text
        self.report.add(code, node, f"there is no {what} {text[:80]}", self.report.suggest(text, known))
        return None

    def clock(self, key: ScalarNode, prefix: str) -> str | None:
        """The clock of a key such as `due.first_response`."""
        name = key.text.removeprefix(prefix)
        if name in self.names.clocks:
            return name
        hint = self.report.suggest(name, self.names.clocks)
        self.report.add(Code.UNKNOWN_CLOCK, key, f"there is no clock {name}", hint)
        return None

    def derived_value(self, field: Field, node: Node) -> str | None:
        """A value that some rule can give to the field, which the vocabulary leaves open."""
        text = self.nodes.text(node, field.name)
        known = self.names.derivable_values[field.name]
        if text is None or text in known:
            return text
        self.unknown_value(field, node, text, known)
        return None

    def unknown_value(self, field: Field, node: Node, text: str, known: Collection[str]) -> None:
        """Reports a value that the field never has."""
        what = "no rule gives" if field.name in self.names.derivable_values else "the vocabulary does not know"
        hint = self.report.suggest(text, known)
        self.report.add(Code.UNKNOWN_VALUE, node, f'{what} {field.name} the value "{text[:40]}"', hint)
