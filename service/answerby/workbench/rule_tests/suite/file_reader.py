"""Reads one test file: its fixtures, its defaults, its cases and their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Place, ScalarNode, SequenceNode
from answerby.workbench.rule_tests.cases import LocatedCase
from answerby.workbench.rule_tests.suite.case_reader import CASE_KEYS, CaseReader, Defaults
from answerby.workbench.rule_tests.suite.fixtures import Fixtures, read_fixtures
from answerby.workbench.rule_tests.suite.given_facts import FactReader
from answerby.workbench.rule_tests.suite.name_reader import NameReader
from answerby.workbench.rule_tests.suite.parameters import (
    EXAMPLES,
    EXPECT,
    MATRIX,
    Filler,
    Row,
    combinations,
    node_text,
    report_unused,
    titles,
)
from answerby.workbench.rule_tests.suite.times import read_aware_instant

SUITE_KEYS = ("now", "fixtures", "schedules", "cases")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One case to read: an entry of `cases`, or one combination of its parameters."""

    node: MappingNode
    """The case with its parameters filled in."""
    source: MappingNode
    """The entry as written."""
    row: Row
    title: str
    """The name of the combination; empty for an entry without parameters."""


class SuiteFileReader:
    """Reads one test file. `shared` are the fixtures of the folders above."""

    def __init__(self, names: NameReader, path: str, shared: Fixtures) -> None:
        self._names = names
        self._report = names.report
        self._nodes = names.nodes
        self._path = path
        self._facts = FactReader(names, shared)
        self._places: dict[str, Place] = {}
        """The place of each case name."""
        self._cases = CaseReader(names, self._facts)

    def read(self, root: MappingNode) -> list[LocatedCase]:
        keys = MappingKeys(self._nodes, root, "a test file", SUITE_KEYS)
        fixtures = keys.get("fixtures")
        if fixtures is not None:
            self._facts.fixtures = read_fixtures(self._names, fixtures, self._facts.fixtures)
        self._cases.defaults = self._defaults(keys)
        cases = keys.get("cases")
        if cases is None or (isinstance(cases, SequenceNode) and not cases.items):
            hint = "add one, or name a file that only holds fixtures fixtures_test.yaml"
            self._report.add(Code.TEST_EMPTY, cases or root, "a test file without cases tests nothing", hint)
            return []
        located: list[LocatedCase] = []
        for item in self._nodes.sequence(cases, "cases"):
            mapping = self._nodes.mapping(item, "a case")
            if mapping is not None:
                for entry in self._expand(mapping):
                    located += self._case(entry)
        return located

    def _defaults(self, keys: MappingKeys) -> Defaults:
        now = keys.get("now")
        start: datetime | None = None
        if now is not None:
            start = read_aware_instant(self._report, now, "now")
        return Defaults(start, has_start=now is not None, schedules=self._cases.read_schedules(keys.get("schedules")))

    def _expand(self, node: MappingNode) -> list[_Entry]:
        """The cases of one entry: one case, or one for each combination of its parameters."""
        MappingKeys(self._nodes, node, "a case", CASE_KEYS)
        if node.get(MATRIX) is None and node.get(EXAMPLES) is None:
            return [_Entry(node, node, {}, "")]
        rows = combinations(self._report, node)
        template = node.get("name")
        names = titles(template.text if isinstance(template, ScalarNode) else "", rows)
        body = MappingNode(node.place, tuple(e for e in node.entries if e[0].text not in (MATRIX, EXAMPLES)))
        entries: list[_Entry] = []
        for row, name in zip(rows, names, strict=True):
            filler = Filler(self._report, row)
            case = filler.fill(_with_row_expectations(body, row))
            assert isinstance(case, MappingNode)
            if not filler.complete:
                continue
            report_unused(self._report, node, row, filler.used)
            entries.append(_Entry(case, node, row, name))
        return entries

    def _case(self, entry: _Entry) -> list[LocatedCase]:
        name = self._name(entry)
        parameters = {key: node_text(value) for key, value in entry.row.items() if key != EXPECT}
        case = self._cases.read(entry.node, name, parameters)
        return [LocatedCase(case, self._path, entry.source.place.line)] if case is not None else []

    def _name(self, entry: _Entry) -> str:
        """The name of the case; empty, reported, for a case without one."""
        node = entry.node.get("name")
        if node is None:
            self._report.add(Code.MISSING_KEY, entry.source, "a case needs `name`", "say what it is about")
            return ""
        name = self._nodes.nonempty_text(node, "name")
        if not name:
            return ""
        name = entry.title or name
        if first := self._places.get(name):
            message = f'the name "{name[:60]}" is already in line {first.line}'
            self._report.add(Code.TEST_DUPLICATE_CASE, node, message, "give each case its own")
        else:
            self._places[name] = node.place
        return name


def _with_row_expectations(body: MappingNode, row: Row) -> MappingNode:
    """The case with the expectations of its example row. They replace general expectations of the same key."""
    own = row.get(EXPECT)
    if not isinstance(own, MappingNode):
        return body
    general = body.get(EXPECT)
    keys = {key.text for key, _ in own.entries}
    kept = [e for e in general.entries if e[0].text not in keys] if isinstance(general, MappingNode) else []
    merged = MappingNode(own.place, (*kept, *own.entries))
    key = ScalarNode(own.place, EXPECT, EXPECT, plain=True)
    return MappingNode(body.place, (*(e for e in body.entries if e[0].text != EXPECT), (key, merged)))
