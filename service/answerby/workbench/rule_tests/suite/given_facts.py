"""Given facts of cases and fixtures, checked against the vocabulary as strictly as rules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from answerby.domain.decision import Flag
from answerby.domain.event import OVERRIDE_PREFIX, Value
from answerby.engine.facts.coercion import UNKNOWN_VALUE, Refused
from answerby.rules.model.builtin_fields import BUILTIN_FIELDS
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.nodes import MappingNode, Node, ScalarNode, SequenceNode, describe
from answerby.workbench.rule_tests.suite.event_facts import EVENT_FACTS, EventFactReader, is_event_fact
from answerby.workbench.rule_tests.suite.name_reader import NameReader

USE = "use"
RAW = "raw"
"""`{raw: ...}` gives a value that the vocabulary does not know, on purpose."""
BUILTIN = frozenset(field.name for field in BUILTIN_FIELDS)


@dataclass(frozen=True, slots=True)
class Fixture:
    """A group of facts. Its mistakes are mistakes of every case that uses it."""

    facts: Mapping[str, Value] = field(default_factory=dict)
    mistakes: tuple[Diagnostic, ...] = ()


Fixtures = Mapping[str, Fixture]


class FactReader:
    """Reads mappings of facts. `fixtures` are the fixtures that `use` may name, with all their facts."""

    def __init__(self, names: NameReader, fixtures: Fixtures) -> None:
        self._names = names.names
        self._report = names.report
        self._nodes = names.nodes
        self._event_facts = EventFactReader(names)
        self.fixtures = dict(fixtures)

    def read(self, node: Node, what: str) -> dict[str, Value]:
        """The facts, including those of fixtures. A fact beside `use` replaces the fact of the fixture."""
        mapping = self._nodes.mapping(node, what)
        facts: dict[str, Value] = {}
        if mapping is None:
            return facts
        use = mapping.get(USE)
        for name in self._nodes.one_or_more(use, USE) if use is not None else ():
            facts.update(self._fixture(name))
        for key, value in mapping.entries:
            if key.text != USE:
                facts[key.text] = self._fact(key, value)
        return facts

    def _fixture(self, node: Node) -> Mapping[str, Value]:
        name = self._nodes.text(node, "fixture")
        if name is None:
            return {}
        if name in self.fixtures:
            self._report.extend(self.fixtures[name].mistakes)
            return self.fixtures[name].facts
        hint = self._report.suggest(name, self.fixtures) or "declare it under `fixtures:`"
        self._report.add(Code.TEST_UNKNOWN_FIXTURE, node, f"there is no fixture {name}", hint)
        return {}

    def _fact(self, key: ScalarNode, node: Node) -> Value:
        value, raw = self._value(node)
        if key.text not in self._names.fields and is_event_fact(key.text):
            if not raw:
                self._event_facts.check(key, node, value)
        elif not raw and self._may_be_given(key) and value is not None:
            self._check(key.text, node, value)
        return value

    def _value(self, node: Node) -> tuple[Value, bool]:
        """The value as an event carries it, and whether it is `{raw: ...}`."""
        if isinstance(node, MappingNode) and [*node.keys()] == [RAW]:
            raw = node.get(RAW)
            assert raw is not None
            return self._value(raw)[0], True
        if isinstance(node, ScalarNode):
            return node.value, False
        if isinstance(node, SequenceNode):
            return self._nodes.texts(node, "value") if node.items else [], False
        self._nodes.wrong(node, f"a fact has a value or a list of values, not {describe(node)}")
        return None, True

    def _may_be_given(self, key: ScalarNode) -> bool:
        """Whether an event may give the fact. A fact that no event gives is reported."""
        name = key.text
        field = self._names.fields.get(name.removeprefix(OVERRIDE_PREFIX))
        if name in BUILTIN:
            self._wrong(key, f"{name} is given by answerby itself", "let events happen that make it so")
        elif field is None:
            fields = self._names.fields.items()
            known = [n for n, f in fields if not f.derived_by and not f.window and n not in BUILTIN]
            known += [*EVENT_FACTS, *(f"{OVERRIDE_PREFIX}{n}" for n, f in fields if f.derived_by)]
            hint = self._report.suggest(name, known)
            self._report.add(Code.UNKNOWN_FIELD, key, f"there is no field {name}", hint)
        elif name.startswith(OVERRIDE_PREFIX) and not field.derived_by:
            self._wrong(key, f"no rule derives {field.name}", f"give {field.name} itself")
        elif field.window is not None:
            self._wrong(key, f"{name} is counted", f"write `windows: {{{name}: 2}}`, or let other requests come first")
        elif field.derived_by and not name.startswith(OVERRIDE_PREFIX):
            self._wrong(key, f"{name} is what rules derive", f"to set it by hand, give {OVERRIDE_PREFIX}{name}")
        else:
            return True
        return False

    def _check(self, name: str, node: Node, value: Value) -> None:
        """Reports a value that the vocabulary refuses or replaces."""
        field = self._names.fields[name.removeprefix(OVERRIDE_PREFIX)]
        flags: list[Flag] = []
        try:
            self._names.compiled.plan.coercers[field.name](value, flags)
        except Refused as refusal:
            if field.values and isinstance(value, str):
                self._unknown(name, node, value)
            else:
                self._wrong(node, f"{name} {refusal}", "to try just that, write {raw: ...}")
        else:
            if any(flag.code == UNKNOWN_VALUE for flag in flags):
                self._unknown(name, node, value)

    def _unknown(self, name: str, node: Node, value: Value) -> None:
        field = self._names.fields[name.removeprefix(OVERRIDE_PREFIX)]
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        near = self._report.suggest(shown, (*field.values, *field.aliases))
        own = f"to try just that, write {{raw: {shown[:40]}}}"
        hint = f"{near}{' ' if near.endswith('?') else '; '}{own}" if near else own
        self._report.add(Code.UNKNOWN_VALUE, node, f'{name} has no value "{shown[:40]}"', hint)

    def _wrong(self, node: Node, message: str, hint: str) -> None:
        self._report.add(Code.TEST_WRONG_FACT, node, message, hint)
