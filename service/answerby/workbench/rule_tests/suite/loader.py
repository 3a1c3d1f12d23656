"""Loads the test files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from answerby.workbench.rule_tests.cases import BrokenCase, LocatedCase
from answerby.workbench.rule_tests.suite.file_reader import SuiteFileReader
from answerby.workbench.rule_tests.suite.files import holds_fixtures, read_texts
from answerby.workbench.rule_tests.suite.fixtures import read_fixtures
from answerby.workbench.rule_tests.suite.given_facts import Fixtures
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
    """The cases without a mistake."""
    broken: tuple[BrokenCase, ...]
    """The cases with a mistake, and the files with mistakes that are no case's. Every mistake is in one of them."""
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
    parsed = {text.path: _parse(text, report) for text in sorted(texts, key=lambda t: t.path)}
    shared: dict[str, Fixtures] = {}
    for path in sorted((p for p in parsed if holds_fixtures(p)), key=lambda p: (p.count("/"), p)):
        shared[_folder(path)] = _shared(names, parsed[path], _nearest_fixtures(shared, path))
    cases: list[LocatedCase] = []
    broken: list[BrokenCase] = []
    for path, file in parsed.items():
        if file.root is not None and not holds_fixtures(path):
            found = SuiteFileReader(names, path, _nearest_fixtures(shared, path)).read(file.root, file.mistakes)
            cases += found.cases
            broken += found.broken
        if len(cases) + len(broken) > MAX_CASES:
            message = f"all test files come to more than {MAX_CASES} cases"
            report.add(Code.TEST_TOO_MANY_CASES, Place(path, 1, 1), message, "list the rows that matter")
            break
    broken += _broken_files(broken, report)
    return Suites(tuple(cases), tuple(sorted(broken, key=lambda b: (b.file, b.line))), report.sorted(), files)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The content of a file, and the mistakes that were found in parsing it. No content for a file without any."""

    root: MappingNode | None
    mistakes: tuple[Diagnostic, ...]


def _parse(text: RuleText, report: DiagnosticReport) -> _Parsed:
    mark = report.mark()
    root = parse_yaml(text.text, text.path, report)
    if root is None and not report.errors_since(mark):
        report.add(Code.FILE_EMPTY, Place(text.path, 1, 1), "the file says nothing", "was it only half written?")
    mapping = NodeReader(report).mapping(root, "a test file") if root is not None else None
    return _Parsed(mapping, report.errors_since(mark))


def _broken_files(broken: Iterable[BrokenCase], report: DiagnosticReport) -> Iterator[BrokenCase]:
    """The files with mistakes that are no mistakes of a case."""
    known = {mistake for case in broken for mistake in case.mistakes}
    files: dict[str, list[Diagnostic]] = {}
    for mistake in report.errors_since():
        if mistake not in known:
            files.setdefault(mistake.file, []).append(mistake)
    for file, mistakes in files.items():
        yield BrokenCase("", file, min(mistake.line for mistake in mistakes), tuple(mistakes))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _nearest_fixtures(shared: dict[str, Fixtures], path: str) -> Fixtures:
    """The shared fixtures of the nearest folder that has any. They include those of the folders above."""
    folder = _folder(path)
    while folder and folder not in shared:
        folder = _folder(folder)
    return shared.get(folder, {})


def _shared(names: NameReader, file: _Parsed, above: Fixtures) -> Fixtures:
    if file.root is None:
        return above
    keys = MappingKeys(names.nodes, file.root, "a file of fixtures", ("fixtures",))
    node = keys.require("fixtures")
    return read_fixtures(names, node, above, file.mistakes) if node is not None else above
