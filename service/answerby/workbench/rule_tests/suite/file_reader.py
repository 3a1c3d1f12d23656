"""Reads one test file: its fixtures, its defaults, its cases and their parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode
from answerby.workbench.rule_tests.cases import BrokenCase, LocatedCase
from answerby.workbench.rule_tests.suite.case_reader import CASE_KEYS, CaseReader, Defaults
from answerby.workbench.rule_tests.suite.fixtures import read_fixtures
from answerby.workbench.rule_tests.suite.given_facts import FactReader, Fixtures
from answerby.workbench.rule_tests.suite.mistake_places import OF_FILE, mistakes_by_case
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


Mistakes = tuple[Diagnostic, ...]


@dataclass(slots=True)
class FileCases:
    """The cases of one file: those to run, and those with a mistake."""

    cases: list[LocatedCase] = field(default_factory=list)
    broken: list[BrokenCase] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One case to read: an entry of `cases`, or one combination of its parameters."""

    node: MappingNode
    """The entry, with the expectations of its combination."""
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
        self._found = FileCases()

    def read(self, root: MappingNode, mistakes: Mistakes = ()) -> FileCases:
        """The cases of the file. `mistakes` were found in parsing it.

        A mistake outside of the cases is one of every case.
        """
        mark = self._report.mark()
        keys = MappingKeys(self._nodes, root, "a test file", SUITE_KEYS)
        self._cases.defaults = self._defaults(keys)
        items = self._items(keys)
        by_case = mistakes_by_case(root, items, mistakes)
        of_file = (*by_case.get(OF_FILE, ()), *self._report.errors_since(mark))
        fixtures = keys.get("fixtures")
        if fixtures is not None:
            self._facts.fixtures = read_fixtures(self._names, fixtures, self._facts.fixtures)
        for number, item in enumerate(items):
            self._item(item, (*of_file, *by_case.get(number, ())))
        return self._found

    def _items(self, keys: MappingKeys) -> tuple[Node, ...]:
        cases = keys.get("cases")
        if cases is None or (isinstance(cases, SequenceNode) and not cases.items):
            hint = "add one, or name a file that only holds fixtures fixtures_test.yaml"
            self._report.add(Code.TEST_EMPTY, cases or keys.node, "a test file without cases tests nothing", hint)
            return ()
        return self._nodes.sequence(cases, "cases")

    def _defaults(self, keys: MappingKeys) -> Defaults:
        now = keys.get("now")
        start: datetime | None = None
        if now is not None:
            start = read_aware_instant(self._report, now, "now")
        return Defaults(start, has_start=now is not None, schedules=self._cases.read_schedules(keys.get("schedules")))

    def _item(self, item: Node, known: Mistakes) -> None:
        """Reads one item of `cases`: one case, or one for each combination of its parameters."""
        mark = self._report.mark()
        mapping = self._nodes.mapping(item, "a case")
        entries = self._expand(mapping) if mapping is not None else []
        mistakes = (*known, *self._report.errors_since(mark))
        for entry in entries:
            self._entry(entry, mistakes)
        if not entries:
            name = mapping.get("name") if mapping is not None else None
            self._break(node_text(name) if name is not None else "", item, mistakes)

    def _expand(self, node: MappingNode) -> list[_Entry]:
        MappingKeys(self._nodes, node, "a case", CASE_KEYS)
        if node.get(MATRIX) is None and node.get(EXAMPLES) is None:
            return [_Entry(node, node, {}, "")]
        rows = combinations(self._report, node)
        template = node.get("name")
        names = titles(template.text if isinstance(template, ScalarNode) else "", rows)
        body = MappingNode(node.place, tuple(e for e in node.entries if e[0].text not in (MATRIX, EXAMPLES)))
        return [
            _Entry(_with_row_expectations(body, row), node, row, name) for row, name in zip(rows, names, strict=True)
        ]

    def _entry(self, entry: _Entry, known: Mistakes) -> None:
        """Reads one case. One with a mistake is broken: what is left of it could pass."""
        mark = self._report.mark()
        name = self._name(entry)
        node = self._filled(entry)
        parameters = {key: node_text(value) for key, value in entry.row.items() if key != EXPECT}
        case = self._cases.read(node, name, parameters) if node is not None else None
        mistakes = (*known, *self._report.errors_since(mark))
        if case is not None and not mistakes:
            self._found.cases.append(LocatedCase(case, self._path, entry.source.place.line))
        else:
            self._break(name, entry.source, mistakes)

    def _break(self, name: str, at: Node, mistakes: Mistakes) -> None:
        self._found.broken.append(BrokenCase(name, self._path, at.place.line, tuple(dict.fromkeys(mistakes))))

    def _filled(self, entry: _Entry) -> MappingNode | None:
        """The case with its parameters filled in; None, reported, when a place has no parameter."""
        if entry.node is entry.source:
            return entry.node
        filler = Filler(self._report, entry.row)
        case = filler.fill(entry.node)
        assert isinstance(case, MappingNode)
        if not filler.complete:
            return None
        report_unused(self._report, entry.source, entry.row, filler.used)
        return case

    def _name(self, entry: _Entry) -> str:
        """The name of the case; empty, reported, for a case without one."""
        node = entry.source.get("name")
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
