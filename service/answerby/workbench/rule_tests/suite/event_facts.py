"""Facts of events that are no fields of the vocabulary: due times set by hand, merges, corrections."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.event import Value
from answerby.engine.clocks.acknowledgements import CLOCK as ACKNOWLEDGED
from answerby.engine.facts.manual_due import PREFIX as DUE_PREFIX
from answerby.engine.history.merging import INTO
from answerby.engine.history.refold import CORRECTS, CORRECTS_SOURCE, WITHDRAWN
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.nodes import Node, ScalarNode, describe
from answerby.workbench.rule_tests.suite.name_reader import NameReader
from answerby.workbench.rule_tests.suite.times import read_aware_instant

EVENT_FACTS: Mapping[str, type] = {ACKNOWLEDGED: str, INTO: str, CORRECTS: str, CORRECTS_SOURCE: str, WITHDRAWN: bool}
"""The facts by name, with their type. `due.<clock>` are the others; `override.<field>` go by their field."""


def is_event_fact(name: str) -> bool:
    """Whether an event may give a fact of this name, whatever the vocabulary has."""
    return name in EVENT_FACTS or name.startswith(DUE_PREFIX)


class EventFactReader:
    """Checks these facts. A mistake is reported with its place."""

    def __init__(self, names: NameReader) -> None:
        self._names = names

    def check(self, key: ScalarNode, node: Node, value: Value) -> None:
        """Reports a clock that there is not, and a value of the wrong type. `value` is what the event carries."""
        if key.text.startswith(DUE_PREFIX):
            if self._names.clock(key, DUE_PREFIX) is not None and value is not None:
                read_aware_instant(self._names.report, node, key.text)
        elif key.text == ACKNOWLEDGED:
            self._acknowledged(node)
        elif value is None or type(value) is not EVENT_FACTS[key.text] or value == "":
            what = "true or false" if EVENT_FACTS[key.text] is bool else "text"
            message = f"{key.text} must be {what}, not {describe(node)}"
            self._names.report.add(Code.TEST_WRONG_FACT, node, message, "to try just that, write {raw: ...}")

    def _acknowledged(self, node: Node) -> None:
        """An acknowledgement names a clock, or the definition of several: those of all its values."""
        name = self._names.nodes.text(node, ACKNOWLEDGED)
        if name is not None and name not in self._names.names.clocks:
            self._names.clock_name(node)
