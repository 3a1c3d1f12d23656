"""Fixtures: named groups of facts. A fixture belongs to one file, or to a folder and the folders below it."""

from __future__ import annotations

from collections.abc import Mapping

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, DiagnosticReport
from answerby.rules.text.nodes import MappingNode, Node
from answerby.workbench.rule_tests.suite.given_facts import USE, FactReader, Fixture, Fixtures
from answerby.workbench.rule_tests.suite.name_reader import NameReader


def read_fixtures(
    names: NameReader, node: Node, shared: Fixtures, mistakes: tuple[Diagnostic, ...] = ()
) -> dict[str, Fixture]:
    """The shared fixtures and those of the section. The fixtures of a section may use each other in any order.

    `mistakes` are mistakes of the file that may concern any of its fixtures.
    """
    report = names.report
    section = names.nodes.mapping(node, "fixtures")
    known = dict(shared)
    if section is None:
        return known
    waiting = {}
    for key, value in section.entries:
        mark = report.mark()
        if key.text in shared:
            message = f"the fixture {key.text} is already in a fixtures_test.yaml above"
            report.add(Code.DUPLICATE_ID, key, message, "give each its own name")
            known[key.text] = Fixture(mistakes=report.errors_since(mark))
        elif isinstance(value, MappingNode) and not value.entries:
            report.add(Code.TEST_EMPTY, value, f"the fixture {key.text} holds no facts")
            known[key.text] = Fixture(mistakes=report.errors_since(mark))
        else:
            waiting[key.text] = (key, value)
    while waiting:
        ready = [name for name, (_, value) in waiting.items() if not fixtures_used(value) & waiting.keys()]
        mark = report.mark()
        if not ready:
            _report_cycle(report, waiting)
            return known | dict.fromkeys(waiting, Fixture(mistakes=report.errors_since(mark)))
        reader = FactReader(names, known)
        for name in ready:
            mark = report.mark()
            facts = reader.read(waiting.pop(name)[1], f"fixture {name}")
            known[name] = Fixture(facts, (*mistakes, *report.errors_since(mark)))
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
