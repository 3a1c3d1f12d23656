"""Loads the test files of a folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import Diagnostic, DiagnosticReport
from answerby.rules.text.mapping_keys import MappingKeys
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import MappingNode, Place
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.yaml_parser import parse_yaml
from answerby.workbench.rule_tests.cases import LocatedCase
from answerby.workbench.rule_tests.suite.file_reader import SuiteFileReader
from answerby.workbench.rule_tests.suite.files import holds_fixtures, read_texts
from answerby.workbench.rule_tests.suite.fixtures import Fixtures, read_fixtures
from answerby.workbench.rule_tests.suite.known_names import known_names
from answerby.workbench.rule_tests.suite.name_reader import NameReader

MAX_CASES = 20_000


class BadSuite(Exception):
    """A mistake in a test file. `diagnostic` gives its place and the remedy."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Suites:
    """All cases below a folder, by file and line, and the mistakes in the files."""

    cases: tuple[LocatedCase, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    """The number of test files, including files with mistakes and files of fixtures."""


def load_suites(compiled: CompiledRulebook, folder: Path) -> Suites:
    """Reads every test file below the folder. Mistakes and unreadable files become diagnostics."""
    report = DiagnosticReport()
    texts = read_texts(folder, report)
    unreadable = len({diagnostic.file for diagnostic in report.sorted()} - {text.path for text in texts})
    return _load(compiled, texts, report, len(texts) + unreadable)


def load_suite_texts(compiled: CompiledRulebook, texts: Iterable[RuleText]) -> Suites:
    """`load_suites` for texts in memory. Their order does not matter."""
    files = list(texts)
    return _load(compiled, files, DiagnosticReport(), len(files))


def _load(compiled: CompiledRulebook, texts: Iterable[RuleText], report: DiagnosticReport, files: int) -> Suites:
    names = NameReader(known_names(compiled), report)
    roots = {text.path: _parse(text, report) for text in sorted(texts, key=lambda t: t.path)}
    shared: dict[str, Fixtures] = {}
    for path in sorted((p for p in roots if holds_fixtures(p)), key=lambda p: (p.count("/"), p)):
        shared[_folder(path)] = _shared(names, roots[path], _nearest_fixtures(shared, path))
    cases: list[LocatedCase] = []
    for path, root in roots.items():
        if root is not None and not holds_fixtures(path):
            cases += SuiteFileReader(names, path, _nearest_fixtures(shared, path)).read(root)
        if len(cases) > MAX_CASES:
            message = f"all test files come to more than {MAX_CASES} cases"
            report.add(Code.TEST_TOO_MANY_CASES, Place(path, 1, 1), message, "list the rows that matter")
            break
    return Suites(tuple(cases), report.sorted(), files)


def _parse(text: RuleText, report: DiagnosticReport) -> MappingNode | None:
    root = parse_yaml(text.text, text.path, report)
    if root is None:
        if not any(diagnostic.file == text.path for diagnostic in report.sorted()):
            report.add(Code.FILE_EMPTY, Place(text.path, 1, 1), "the file says nothing", "was it only half written?")
        return None
    return NodeReader(report).mapping(root, "a test file")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _nearest_fixtures(shared: dict[str, Fixtures], path: str) -> Fixtures:
    """The shared fixtures of the nearest folder that has any. They include those of the folders above."""
    folder = _folder(path)
    while folder and folder not in shared:
        folder = _folder(folder)
    return shared.get(folder, {})


def _shared(names: NameReader, root: MappingNode | None, above: Fixtures) -> Fixtures:
    if root is None:
        return above
    keys = MappingKeys(names.nodes, root, "a file of fixtures", ("fixtures",))
    node = keys.require("fixtures")
    return read_fixtures(names, node, above) if node is not None else above
