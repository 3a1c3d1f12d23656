"""`*_test.yaml` files to typed cases. A mistake in a test file is a finding of its own, never a test that passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from service.domain.clock import TargetUnit
from service.domain.event import ActorRole, Value
from service.rules.diagnostic import Report
from service.rules.durations import parse_duration
from service.rules.nodes import MappingNode, Node, SequenceNode, plain_data
from service.rules.parser import parse_yaml

SUFFIXES = ("_test.yaml", "_test.yml")


class Happening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of a case. `after` is a duration since the event before it."""

    type: str = "request.received"
    after: str = "0s"
    actor: ActorRole = ActorRole.CUSTOMER
    facts: dict[str, Value] = {}


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One story of one request and what is expected of it."""

    name: str
    expect: dict[str, Value] = {}
    """What holds right after the last event."""
    now: str = ""
    """When the first event happens; an instant with offset. The suite's, where a case has none."""
    given: dict[str, Value] = {}
    """Short for one `request.received` with these facts."""
    events: list[Happening] = []
    windows: dict[str, int] = {}
    """Counts that the store would give, by window field, this request left out."""
    then_after: dict[str, dict[str, Value]] = {}
    """What is expected so much wall time after the last event, with every timer in between fired."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cases: list[Case]
    now: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A case and where it stands."""

    case: Case
    start: datetime
    file: str
    line: int


class BadSuite(Exception):
    """The test file cannot be used; the message names place and remedy."""


def find_suites(folder: Path) -> list[Path]:
    """Every test file below the folder, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())


def read_suite(path: Path, folder: Path) -> list[Located]:
    """The cases of one file. Raises BadSuite; a file without cases or a case without expectation is bad, too."""
    name = path.relative_to(folder).as_posix()
    report = Report()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSuite(f"{name}: cannot be read: {error}") from error
    node = parse_yaml(text, name, report)
    if report.has_errors or not isinstance(node, MappingNode):
        found = report.sorted()
        raise BadSuite(str(found[0]) if found else f"{name}:1:1 not a mapping with `cases`")
    try:
        suite = msgspec.convert(plain_data(node), _File)
    except msgspec.ValidationError as error:
        raise BadSuite(f"{name}: {error}") from error
    lines = list(_case_lines(node.get("cases")))
    if not suite.cases:
        raise BadSuite(f"{name}: a test file without cases tests nothing; add one or remove the file")
    return [_locate(case, suite.now, name, line) for case, line in zip(suite.cases, lines, strict=True)]


def _case_lines(cases: Node | None) -> Iterator[int]:
    if isinstance(cases, SequenceNode):
        yield from (item.place.line for item in cases.items)


def _locate(case: Case, suite_now: str, file: str, line: int) -> Located:
    place = f"{file}:{line} {case.name}"
    if not case.expect and not case.then_after:
        raise BadSuite(f"{place}: expects nothing; add `expect` or `then_after`")
    if bool(case.given) == bool(case.events):
        raise BadSuite(f"{place}: say either `given` or `events`")
    for text in [happening.after for happening in case.events] + list(case.then_after):
        if text != "0s":
            span(text, place)
    try:
        start = datetime.fromisoformat(case.now or suite_now)
    except ValueError:
        raise BadSuite(f"{place}: `now` must be an instant such as 2026-03-02T10:00:00+08:00") from None
    if start.tzinfo is None:
        raise BadSuite(f"{place}: `now` needs an offset, such as +08:00")
    return Located(case, start, file, line)


def span(text: str, place: str = "") -> timedelta:
    """A wall-clock duration such as `16m`. Raises BadSuite."""
    duration = None if text == "0s" else parse_duration(text)
    if text == "0s":
        return timedelta()
    if duration is None or duration.unit is not TargetUnit.SECONDS:
        raise BadSuite(f"{place}: {text!r} is not a duration; write 90s, 16m, 2h or 1h30m")
    return timedelta(seconds=duration.amount)
