"""The result of rule tests as JUnit XML: a suite for each file, mistakes in test files as errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from answerby.cli.test.result import Result, TimedOutcome
from answerby.rules.text.diagnostics import Diagnostic

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(result: Result, path: Path) -> None:
    """Writes the file. Raises OSError."""
    root = ET.Element("testsuites", _counts(result.cases, result.mistakes) | {"name": "answerby"})
    files: dict[str, tuple[list[TimedOutcome], list[Diagnostic]]] = {}
    for timed in result.cases:
        files.setdefault(timed.outcome.located.file, ([], []))[0].append(timed)
    for found in result.mistakes:
        files.setdefault(found.file, ([], []))[1].append(found)
    for file in sorted(files):
        _suite(root, file, *files[file])
    ET.indent(root)
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _suite(root: ET.Element, file: str, cases: list[TimedOutcome], mistakes: list[Diagnostic]) -> None:
    suite = ET.SubElement(root, "testsuite", _counts(cases, mistakes) | {"name": _clean(file)})
    for timed in cases:
        located = timed.outcome.located
        attributes = {
            "classname": _clean(file),
            "name": _clean(located.case.name),
            "file": _clean(file),
            "line": str(located.line),
            "time": f"{timed.seconds:.6f}",
        }
        element = ET.SubElement(suite, "testcase", attributes)
        if timed.failed:
            _problem(element, "failure", "; ".join(timed.outcome.differences), _account(timed))
    for found in mistakes:
        attributes = {"classname": _clean(file), "name": f"{found.line}:{found.column} {found.code}", "time": "0"}
        _problem(ET.SubElement(suite, "testcase", attributes), "error", found.message, str(found))


def _problem(case: ET.Element, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, kind, {"message": _clean(message), "type": kind}).text = _clean(text)


def _account(timed: TimedOutcome) -> str:
    """The differences and the explanation of a failed case."""
    return "\n".join([*timed.outcome.differences, "", timed.outcome.why]).strip()


def _counts(cases: Iterable[TimedOutcome], mistakes: Iterable[Diagnostic]) -> dict[str, str]:
    timed, errors = list(cases), list(mistakes)
    return {
        "tests": str(len(timed) + len(errors)),
        "failures": str(sum(case.failed for case in timed)),
        "errors": str(len(errors)),
        "time": f"{sum(case.seconds for case in timed):.6f}",
    }


def _clean(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
