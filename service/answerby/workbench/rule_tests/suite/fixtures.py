"""Fixtures: named groups of facts. A fixture belongs to one file, or to a folder and the folders below it."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.domain.event import Value
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node
from answerby.workbench.rule_tests.suite.given_facts import USE, FactReader
from answerby.workbench.rule_tests.suite.name_reader import NameReader

Fixtures = Mapping[str, Mapping[str, Value]]


def read_fixtures(names: NameReader, node: Node, shared: Fixtures) -> dict[str, Mapping[str, Value]]:
    """The shared fixtures and those of the section. The fixtures of a section may use each other in any order."""
    report = names.report
    section = names.nodes.mapping(node, "fixtures")
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
        ready = [name for name, (_, value) in waiting.items() if not fixtures_used(value) & waiting.keys()]
        if not ready:
            _report_cycle(report, waiting)
            return known
        reader = FactReader(names, known)
        for name in ready:
            known[name] = reader.read(waiting.pop(name)[1], f"fixture {name}")
    return known


def fixtures_used(node: Node) -> set[str]:
    """The fixtures that a mapping of facts uses."""
    use = node.get(USE) if isinstance(node, MappingNode) else None
    items = (use,) if use is not None and not hasattr(use, "items") else getattr(use, "items", ())
    return {str(getattr(item, "text", "")) for item in items}


def _report_cycle(report: DiagnosticReport, waiting: Mapping[str, tuple[Node, Node]]) -> None:
    names = ", ".join(sorted(waiting))
    for key, _ in waiting.values():
        report.add(
            Code.TEST_FIXTURE_CYCLE, key, f"these fixtures use each other: {names}", "let one of them stand alone"
        )
