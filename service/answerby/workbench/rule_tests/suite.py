"""Test files to typed cases. Every mistake in them is a diagnostic, never a case that passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from answerby.domain.event import OVERRIDE_PREFIX, ActorRole
from answerby.engine.compiled.rulebook import CompiledRulebook
from answerby.rules.sections.values.durations import read_seconds
from answerby.rules.text.codes import Code
from answerby.rules.text.diagnostic import Diagnostic, Report
from answerby.rules.text.folder import RuleText
from answerby.rules.text.nodes import MappingNode, Node, Place, ScalarNode, SequenceNode
from answerby.rules.text.parser import parse_yaml
from answerby.rules.text.reader import Keys, Reader
from answerby.workbench.rule_tests.cases import REQUEST, Case, Checkpoint, Happening, Located
from answerby.workbench.rule_tests.expectations import ExpectationReader
from answerby.workbench.rule_tests.files import holds_fixtures, read_texts
from answerby.workbench.rule_tests.fixtures import Fixtures, read_fixtures
from answerby.workbench.rule_tests.given import FactReader
from answerby.workbench.rule_tests.parameters import (
    EXAMPLES,
    EXPECT,
    MATRIX,
    Filler,
    Row,
    combinations,
    report_unused,
    shown,
    titles,
)
from answerby.workbench.rule_tests.words import Words, words_of

SUITE_KEYS = ("now", "fixtures", "schedules", "cases")
CASE_KEYS = (
    *("name", "because", "now", "given", "events", "windows", "schedules", EXPECT, "then_after", "then_at"),
    *(MATRIX, EXAMPLES),
)
EVENT_KEYS = ("type", "request", "after", "at", "actor", "facts", EXPECT)
MAX_CASES = 20_000
RECEIVED = "request.received"


class BadSuite(Exception):
    """A mistake in a test file; `diagnostic` names its place and remedy."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(str(diagnostic))
        self.diagnostic = diagnostic


@dataclass(frozen=True, slots=True)
class Suites:
    """All cases below a folder, by file and line, and what is wrong with the files."""

    cases: tuple[Located, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: int
    """Test files found, those with mistakes and those of fixtures included."""


def load_suites(compiled: CompiledRulebook, folder: Path) -> Suites:
    """Reads every test file below the folder. Never raises for what it holds."""
    report = Report()
    texts = read_texts(folder, report)
    unreadable = len({diagnostic.file for diagnostic in report.sorted()} - {text.path for text in texts})
    return _load(compiled, texts, report, len(texts) + unreadable)


def load_suite_texts(compiled: CompiledRulebook, texts: Iterable[RuleText]) -> Suites:
    """`load_suites` for files that are already read; their order does not matter."""
    read = list(texts)
    return _load(compiled, read, Report(), len(read))


def _load(compiled: CompiledRulebook, texts: Iterable[RuleText], report: Report, files: int) -> Suites:
    words = words_of(compiled)
    roots = {text.path: _parse(text, report) for text in sorted(texts, key=lambda t: t.path)}
    shared: dict[str, Fixtures] = {}
    for path in sorted((p for p in roots if holds_fixtures(p)), key=lambda p: (p.count("/"), p)):
        shared[_folder(path)] = _shared(words, report, roots[path], _above(shared, path))
    cases: list[Located] = []
    for path, root in roots.items():
        if root is not None and not holds_fixtures(path):
            cases += _Suite(words, report, path, _above(shared, path)).read(root)
        if len(cases) > MAX_CASES:
            message = f"all test files come to more than {MAX_CASES} cases"
            report.add(Code.TEST_TOO_MANY_CASES, Place(path, 1, 1), message, "list the rows that matter")
            break
    return Suites(tuple(cases), report.sorted(), files)


def _parse(text: RuleText, report: Report) -> MappingNode | None:
    root = parse_yaml(text.text, text.path, report)
    if root is None:
        if not any(diagnostic.file == text.path for diagnostic in report.sorted()):
            report.add(Code.FILE_EMPTY, Place(text.path, 1, 1), "the file says nothing", "was it only half written?")
        return None
    return Reader(report).mapping(root, "a test file")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _above(shared: dict[str, Fixtures], path: str) -> Fixtures:
    """The shared fixtures of the nearest folder that has some; they include those above it."""
    folder = _folder(path)
    while folder and folder not in shared:
        folder = _folder(folder)
    return shared.get(folder, {})


def _shared(words: Words, report: Report, root: MappingNode | None, above: Fixtures) -> Fixtures:
    if root is None:
        return above
    keys = Keys(Reader(report), root, "a file of fixtures", ("fixtures",))
    node = keys.require("fixtures")
    return read_fixtures(words, report, node, above) if node is not None else above


class _Suite:
    """Reads one test file."""

    def __init__(self, words: Words, report: Report, path: str, shared: Fixtures) -> None:
        self._words = words
        self._report = report
        self._reader = Reader(report)
        self._path = path
        self._facts = FactReader(words, report, shared)
        self._names: dict[str, Place] = {}
        self._schedules: tuple[str, ...] = ()
        """Those of the cases that name none."""

    def read(self, root: MappingNode) -> list[Located]:
        keys = Keys(self._reader, root, "a test file", SUITE_KEYS)
        fixtures, now = keys.get("fixtures"), keys.get("now")
        if fixtures is not None:
            self._facts.fixtures = read_fixtures(self._words, self._report, fixtures, self._facts.fixtures)
        start = ExpectationReader(self._words, self._report).instant(now, "now") if now is not None else None
        self._schedules = self._read_schedules(keys.get("schedules"))
        cases = keys.get("cases")
        if cases is None or (isinstance(cases, SequenceNode) and not cases.items):
            hint = "add one, or name a file that only holds fixtures fixtures_test.yaml"
            self._report.add(Code.TEST_EMPTY, cases or root, "a test file without cases tests nothing", hint)
            return []
        found: list[Located] = []
        for item in self._reader.sequence(cases, "cases"):
            mapping = self._reader.mapping(item, "a case")
            if mapping is not None:
                found += self._expand(mapping, start, now is not None)
        return found

    def _expand(self, node: MappingNode, now: datetime | None, has_now: bool) -> list[Located]:
        """The cases that one entry stands for: one, or one for each combination of its parameters."""
        Keys(self._reader, node, "a case", CASE_KEYS)
        if node.get(MATRIX) is None and node.get(EXAMPLES) is None:
            return self._named(node, node, {}, "", now, has_now)
        rows = combinations(self._report, node)
        template = node.get("name")
        names = titles(template.text if isinstance(template, ScalarNode) else "", rows)
        body = MappingNode(node.place, tuple(e for e in node.entries if e[0].text not in (MATRIX, EXAMPLES)))
        found: list[Located] = []
        for row, name in zip(rows, names, strict=True):
            filler = Filler(self._report, row)
            filled = filler.fill(_with_row(body, row))
            assert isinstance(filled, MappingNode)
            if not filler.complete:
                continue
            report_unused(self._report, node, row, filler.used)
            found += self._named(filled, node, row, name, now, has_now)
        return found

    def _named(
        self, node: MappingNode, written: MappingNode, row: Row, title: str, now: datetime | None, has_now: bool
    ) -> list[Located]:
        name_node = node.get("name")
        name = self._reader.filled(name_node, "name") if name_node is not None else None
        if name_node is None:
            self._report.add(Code.MISSING_KEY, written, "a case needs `name`", "say what it is about")
        name = (title or name) if name else None
        if name and (first := self._names.get(name)):
            message = f'the name "{name[:60]}" is already in line {first.line}'
            self._report.add(Code.TEST_DUPLICATE_CASE, name_node or node, message, "give each case its own")
        elif name and name_node is not None:
            self._names[name] = name_node.place
        parameters = {key: shown(value) for key, value in row.items() if key != EXPECT}
        case = self._case(node, name or "", parameters, now, has_now)
        return [Located(case, self._path, written.place.line)] if case is not None else []

    def _case(
        self, node: MappingNode, name: str, parameters: dict[str, str], now: datetime | None, has_now: bool
    ) -> Case | None:
        keys = Keys(self._reader, node, "a case", CASE_KEYS)
        own = keys.get("now")
        if own is not None:
            now = ExpectationReader(self._words, self._report).instant(own, "now")
        elif not has_now:
            hint = 'write now: "2026-03-02T10:00:00+08:00" in the case or at the top of the file'
            self._report.add(Code.MISSING_KEY, node, "a case needs to know when it happens", hint)
        expectations = ExpectationReader(
            self._words, self._report, frozenset(_requests(node)), frozenset(_overridden(node))
        )
        happenings = self._happenings(keys, node, expectations)
        windows = self._windows(keys.get("windows"))
        named = keys.get("schedules")
        schedules = self._read_schedules(named) if named is not None else self._schedules
        checkpoints = self._checkpoints(keys, expectations)
        if not checkpoints and not any(h.expect for h in happenings):
            if not any(keys.get(key) for key in (EXPECT, "then_after", "then_at")):
                message = f"the case {name} expects nothing"
                self._report.add(Code.TEST_NO_EXPECTATION, node, message, "add `expect`")
            return None
        if now is None or not happenings:
            return None
        case = Case(name, now, happenings, checkpoints, windows, schedules, parameters)
        self._check_order(case, keys)
        return case

    def _happenings(self, keys: Keys, node: MappingNode, reader: ExpectationReader) -> tuple[Happening, ...]:
        given, events = keys.get("given"), keys.get("events")
        if (given is None) == (events is None):
            both = "both `given` and `events`" if given is not None else "neither `given` nor `events`"
            self._report.add(Code.TEST_NO_EVENT, node, f"the case has {both}", "write one of them")
            return ()
        if given is not None:
            return (Happening(facts=self._facts.read(given, "given")),)
        assert events is not None
        if isinstance(events, SequenceNode) and not events.items:
            self._report.add(Code.TEST_NO_EVENT, events, "nothing happens in this case", "add an event")
            return ()
        found = (self._happening(item, reader) for item in self._reader.sequence(events, "events"))
        return tuple(happening for happening in found if happening is not None)

    def _happening(self, node: Node, reader: ExpectationReader) -> Happening | None:
        mapping = self._reader.mapping(node, "an event")
        if mapping is None:
            return None
        keys = Keys(self._reader, mapping, "an event", EVENT_KEYS)
        facts, expect = keys.get("facts"), keys.get(EXPECT)
        after, at, actor = keys.get("after"), keys.get("at"), keys.get("actor")
        if after is not None and at is not None:
            self._report.add(Code.TEST_TIME_ORDER, at, "an event has `after` or `at`, not both", "keep one")
        role = self._reader.choice(actor, "actor", tuple(ActorRole)) if actor is not None else None
        return Happening(
            type=self._type(keys.get("type")),
            request=keys.text("request", REQUEST),
            after=self._span(after, "after") if after is not None else timedelta(),
            at=reader.instant(at, "at") if at is not None else None,
            actor=ActorRole(role) if role else ActorRole.CUSTOMER,
            facts=self._facts.read(facts, "facts") if facts is not None else {},
            expect=reader.read(expect, EXPECT) if expect is not None else (),
        )

    def _type(self, node: Node | None) -> str:
        text = self._reader.text(node, "type") if node is not None else RECEIVED
        if text is not None and text not in self._words.event_types:
            assert node is not None
            hint = self._report.suggest(text, self._words.event_types)
            self._report.add(Code.TEST_EVENT_TYPE, node, f"no rule knows events of type {text}", hint)
        return text or RECEIVED

    def _windows(self, node: Node | None) -> dict[str, int]:
        found: dict[str, int] = {}
        mapping = self._reader.mapping(node, "windows") if node is not None else None
        counted = {name for name, _ in self._words.compiled.windows}
        for key, value in mapping.entries if mapping else ():
            if key.text not in counted:
                hint = self._report.suggest(key.text, counted)
                self._report.add(Code.UNKNOWN_FIELD, key, f"{key.text} is no field that is counted", hint)
            else:
                found[key.text] = self._reader.integer(value, key.text, least=0) or 0
        return found

    def _read_schedules(self, node: Node | None) -> tuple[str, ...]:
        items = self._reader.one_or_more(node, "schedules") if node is not None else ()
        found = (self._reader.choice(item, "schedules", sorted(self._words.schedules)) for item in items)
        return tuple(sorted({name for name in found if name is not None}))

    def _checkpoints(self, keys: Keys, reader: ExpectationReader) -> tuple[Checkpoint, ...]:
        found: list[Checkpoint] = []
        expect = keys.get(EXPECT)
        if expect is not None:
            found.append(Checkpoint("", reader.read(expect, EXPECT)))
        for key, node in keys.items("then_after"):
            found.append(Checkpoint(f"after {key.text}", reader.read(node, key.text), after=self._span(key, key.text)))
        for key, node in keys.items("then_at"):
            at = reader.instant(key, "then_at")
            if at is not None:
                found.append(Checkpoint(f"at {key.text}", reader.read(node, key.text), at=at))
        for name in ("then_after", "then_at"):
            steps = keys.get(name)
            if isinstance(steps, MappingNode) and not steps.entries:
                self._report.add(Code.TEST_NO_EXPECTATION, steps, f"{name} expects nothing")
        return tuple(checkpoint for checkpoint in found if checkpoint.checks)

    def _span(self, node: Node, what: str) -> timedelta:
        if isinstance(node, ScalarNode) and node.value == "0s":
            return timedelta()
        return timedelta(seconds=read_seconds(self._report, node, what) or 0)

    def _check_order(self, case: Case, keys: Keys) -> None:
        at = case.start
        for happening in case.happenings:
            if happening.at is not None and happening.at < at:
                message = (
                    f"an event at {happening.at.isoformat()} lies before {at.isoformat()}, when the one before it is"
                )
                self._report.add(Code.TEST_TIME_ORDER, keys.get("events") or keys.node, message)
            at = happening.at or at + happening.after
        for checkpoint in case.checkpoints:
            if checkpoint.at is not None and checkpoint.at < at:
                message = f"{checkpoint.at.isoformat()} lies before the last event, {at.isoformat()}"
                self._report.add(Code.TEST_TIME_ORDER, keys.get("then_at") or keys.node, message)


def _with_row(body: MappingNode, row: Row) -> MappingNode:
    """The case with what its example expects beside what all of them do."""
    extra = row.get(EXPECT)
    if not isinstance(extra, MappingNode):
        return body
    general = body.get(EXPECT)
    own = {key.text for key, _ in extra.entries}
    kept = [e for e in general.entries if e[0].text not in own] if isinstance(general, MappingNode) else []
    merged = MappingNode(extra.place, (*kept, *extra.entries))
    key = ScalarNode(extra.place, EXPECT, EXPECT, plain=True)
    return MappingNode(body.place, (*(e for e in body.entries if e[0].text != EXPECT), (key, merged)))


def _events(node: MappingNode) -> Iterable[MappingNode]:
    events = node.get("events")
    items = events.items if isinstance(events, SequenceNode) else ()
    yield from (item for item in items if isinstance(item, MappingNode))


def _requests(node: MappingNode) -> Iterable[str]:
    """The names of the requests to which something happens."""
    for event in _events(node):
        name = event.get("request")
        yield name.text if isinstance(name, ScalarNode) else REQUEST
    if node.get("given") is not None:
        yield REQUEST


def _overridden(node: MappingNode) -> Iterable[str]:
    """The fields that are set by hand somewhere in the case."""
    facts: list[Node | None] = [node.get("given"), *(event.get("facts") for event in _events(node))]
    for mapping in facts:
        if isinstance(mapping, MappingNode):
            names = mapping.keys()
            yield from (k.removeprefix(OVERRIDE_PREFIX) for k in names if k.startswith(OVERRIDE_PREFIX))
