"""Fixtures: named groups of facts that cases use, of one file or shared by a folder and those below it."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.event import Value
from answerby.rules.text.codes import Code
from answerby.rules.text.diagnostic import Report
from answerby.rules.text.nodes import MappingNode, Node
from answerby.rules.text.reader import Reader
from answerby.workbench.rule_tests.given import USE, FactReader
from answerby.workbench.rule_tests.words import Words

Fixtures = Mapping[str, Mapping[str, Value]]


def read_fixtures(words: Words, report: Report, node: Node, shared: Fixtures) -> dict[str, Mapping[str, Value]]:
    """The shared fixtures and those of the section, which may use each other in any order."""
    section = Reader(report).mapping(node, "fixtures")
    known = dict(shared)
    if section is None:
        return known
    waiting = {}
    for key, value in section.entries:
        if key.text in shared:
            message = f"the fixture {key.text} is already in a fixtures_test.yaml above"
            report.add(Code.DUPLICATE_ID, key, message, "give each its own name")
        elif isinstance(value, MappingNode) and not value.entries:
            report.add(Code.TEST_EMPTY, value, f"the fixture {key.text} holds no facts")
        else:
            waiting[key.text] = (key, value)
    while waiting:
        ready = [name for name, (_, value) in waiting.items() if not used_by(value) & waiting.keys()]
        if not ready:
            _report_cycle(report, waiting)
            return known
        reader = FactReader(words, report, known)
        for name in ready:
            known[name] = reader.read(waiting.pop(name)[1], f"fixture {name}")
    return known


def used_by(node: Node) -> set[str]:
    """The fixtures that a mapping of facts uses."""
    use = node.get(USE) if isinstance(node, MappingNode) else None
    items = (use,) if use is not None and not hasattr(use, "items") else getattr(use, "items", ())
    return {str(getattr(item, "text", "")) for item in items}


def _report_cycle(report: Report, waiting: Mapping[str, tuple[Node, Node]]) -> None:
    names = ", ".join(sorted(waiting))
    for key, _ in waiting.values():
        report.add(
            Code.TEST_FIXTURE_CYCLE, key, f"these fixtures use each other: {names}", "let one of them stand alone"
        )
