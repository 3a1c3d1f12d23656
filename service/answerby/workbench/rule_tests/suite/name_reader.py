"""Reads names that the rules under test must declare."""

from __future__ import annotations

from collections.abc import Collection

from answerby.domain.clock import PER, clock_name, definition_id
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
        """The clock of a key such as `due.first_response`, or `due.team@quality`."""
        return self._clock(key, key.text.removeprefix(prefix))

    def clock_name(self, node: Node) -> str | None:
        """The name of a clock, as `breached` and effects have it."""
        text = self.nodes.text(node, "clock")
        return self._clock(node, text) if text is not None else None

    def _clock(self, node: Node, name: str) -> str | None:
        """The name of a clock that a request can have: `id`, or `id@value` for a clock with `per`."""
        clocks = self.names.compiled.rulebook.clocks
        definition, value = definition_id(name), name.partition(PER)[2]
        clock = clocks.get(definition)
        if clock is None or (value and not clock.per):
            hint = self.report.suggest(definition, clocks)
            self.report.add(Code.UNKNOWN_CLOCK, node, f"there is no clock {name}", hint)
            return None
        if not clock.per:
            return name
        values = self.values_of(clock.per)
        if value and (values is None or value in values):
            return name
        near = self.report.suggest(value, values or ()) if value else ""
        hint = near or f"write {clock_name(definition, min(values) if values else clock.per)}"
        self.report.add(Code.UNKNOWN_CLOCK, node, f"the clock {definition} runs once for each {clock.per}", hint)
        return None

    def values_of(self, field: str) -> Collection[str] | None:
        """The values that a field can have; None where any text is one."""
        if field in self.names.derivable_values:
            return self.names.derivable_values[field]
        return self.names.fields[field].values or None

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
