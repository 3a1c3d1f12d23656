"""`expect` mappings to checks. An expectation that cannot be compared is a mistake in the file; it never holds."""

from __future__ import annotations

from collections.abc import Collection

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node, ScalarNode
from answerby.workbench.rule_tests.checks.difference import Check, PlacedCheck
from answerby.workbench.rule_tests.checks.fact_checks import ExplanationCheck, RequestsCheck
from answerby.workbench.rule_tests.suite.clock_expectations import ClockExpectations
from answerby.workbench.rule_tests.suite.effect_expectations import EffectExpectations
from answerby.workbench.rule_tests.suite.fact_expectations import FactExpectations
from answerby.workbench.rule_tests.suite.list_expectations import STAGES_OF_LISTS, ListExpectations
from answerby.workbench.rule_tests.suite.name_reader import NameReader
from answerby.workbench.rule_tests.suite.word_expectations import read_number_prefix, read_status

KEYS = ("status", "number_prefix", "effects", "no_effects", "explanation", "not", "requests", *STAGES_OF_LISTS)
"""The keys beside fields and clocks."""


class ExpectationReader:
    """Reads the expectations of one case."""

    def __init__(self, names: NameReader, requests: Collection[str] = (), overridden: Collection[str] = ()) -> None:
        """`requests` are the requests of the case, `overridden` the fields that the case sets by hand."""
        self._names = names
        self._nodes = names.nodes
        self._requests = requests
        self._facts = FactExpectations(names, overridden)
        self._lists = ListExpectations(names)
        self._clocks = ClockExpectations(names)
        self._effects = EffectExpectations(names)

    def read(self, node: Node, what: str, *, negative: bool = False) -> tuple[Check, ...]:
        """The checks of a mapping. With `negative` they are those of the opposite."""
        mapping = self._nodes.mapping(node, what)
        if mapping is None:
            return ()
        if not mapping.entries:
            self._names.report.add(Code.TEST_NO_EXPECTATION, node, f"{what} expects nothing")
        return tuple(
            PlacedCheck(check, value.place)
            for key, value in mapping.entries
            for check in self._entry(key, value, negative=negative)
        )

    def _entry(self, key: ScalarNode, value: Node, *, negative: bool) -> list[Check]:
        name = key.text
        if isinstance(value, ScalarNode) and value.value is None:
            self._nodes.wrong(value, f"{name} expects nothing", "write {is: missing} for a fact that has no value")
            return []
        if name.startswith("due."):
            return self._clocks.read_due(key, value, negative=negative)
        if name.startswith("clock."):
            return self._clocks.read_state(key, value, negative=negative)
        if name in STAGES_OF_LISTS:
            return self._lists.read(name, value, negative=negative)
        match name:
            case "status":
                return read_status(self._nodes, value, negative=negative)
            case "number_prefix":
                return read_number_prefix(self._nodes, self._names.names.compiled.rulebook, value, negative=negative)
            case "explanation":
                return [ExplanationCheck(tuple(self._texts(value, name)), negative)]
            case "effects" | "no_effects":
                return self._effects.read(key, value, negative=negative)
            case "not" if not negative:
                return [*self.read(value, name, negative=True)]
            case "requests" if not negative:
                return self._requests_check(value)
        field = self._names.names.fields.get(name)
        if field is None:
            self._unknown(key)
            return []
        return self._facts.read(field, value, negative=negative)

    def _unknown(self, key: ScalarNode) -> None:
        names = self._names.names
        known = [*names.fields, *KEYS]
        known += [f"{prefix}.{clock}" for clock in names.clocks for prefix in ("due", "clock")]
        # Other tools call it won_by, which resembles none of the keys.
        hint = "did you mean decided_by?" if key.text == "won_by" else self._names.report.suggest(key.text, known)
        self._names.report.add(Code.TEST_UNKNOWN_EXPECTATION, key, f"nothing is called {key.text}", hint)

    def _texts(self, node: Node, what: str) -> list[str]:
        texts = (self._nodes.nonempty_text(item, what) for item in self._nodes.one_or_more(node, what))
        return [text for text in texts if text is not None]

    def _requests_check(self, node: Node) -> list[Check]:
        mapping = self._nodes.mapping(node, "requests")
        checks: dict[str, tuple[Check, ...]] = {}
        for key, value in mapping.entries if mapping else ():
            if key.text in self._requests:
                checks[key.text] = self.read(value, key.text)
            else:
                hint = self._names.report.suggest(key.text, self._requests)
                message = f"nothing happens to a request {key.text} in this case"
                self._names.report.add(Code.TEST_UNKNOWN_REQUEST, key, message, hint)
        if mapping is not None and not mapping.entries:
            self._names.report.add(Code.TEST_NO_EXPECTATION, node, "requests names none")
        return [RequestsCheck(checks)] if checks else []
