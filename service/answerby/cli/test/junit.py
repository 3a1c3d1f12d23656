"""The result of rule tests as JUnit XML: a suite for each file, broken cases as errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from answerby.cli.test.result import Result, TimedOutcome
from answerby.rules.text.diagnostics import Diagnostic
from answerby.rules.text.severities import Severity
from answerby.workbench.rule_tests.cases import BrokenCase

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnitUnwritable(Exception):
    """The file cannot be written. The message says why."""


def write_junit(result: Result, path: Path) -> None:
    """Writes the file. Raises JUnitUnwritable."""
    root = ET.Element("testsuites", _counts(result.cases, result.broken) | {"name": "answerby"})
    files: dict[str, tuple[list[TimedOutcome], list[BrokenCase]]] = {}
    for timed in result.cases:
        files.setdefault(timed.outcome.located.file, ([], []))[0].append(timed)
    for found in result.broken:
        files.setdefault(found.file, ([], []))[1].append(found)
    for file in sorted(files):
        _suite(root, file, *files[file])
    _write(root, path)


def write_refusal(folder: Path, message: str, found: Iterable[Diagnostic], path: Path) -> None:
    """Writes the file for rules that cannot be used: one error. Raises JUnitUnwritable."""
    counts = {"tests": "1", "failures": "0", "errors": "1", "time": "0"}
    root = ET.Element("testsuites", counts | {"name": "answerby"})
    suite = ET.SubElement(root, "testsuite", counts | {"name": _clean(str(folder))})
    case = ET.SubElement(suite, "testcase", {"classname": _clean(str(folder)), "name": "rules", "time": "0"})
    _problem(case, "error", message, "\n".join(str(one) for one in found if one.severity == Severity.ERROR))
    _write(root, path)


def _write(root: ET.Element, path: Path) -> None:
    ET.indent(root)
    try:
        path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    except OSError as error:
        raise JUnitUnwritable(f"{path}: {error.strerror}") from error


def _suite(root: ET.Element, file: str, cases: list[TimedOutcome], broken: list[BrokenCase]) -> None:
    suite = ET.SubElement(root, "testsuite", _counts(cases, broken) | {"name": _clean(file)})
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
    for found in broken:
        attributes = {
            "classname": _clean(file),
            "name": _clean(found.name or file),
            "file": _clean(file),
            "line": str(found.line),
            "time": "0",
        }
        message = "; ".join(mistake.message for mistake in found.mistakes)
        text = "\n".join(map(str, found.mistakes))
        _problem(ET.SubElement(suite, "testcase", attributes), "error", message, text)


def _problem(case: ET.Element, kind: str, message: str, text: str) -> None:
    ET.SubElement(case, kind, {"message": _clean(message), "type": kind}).text = _clean(text)


def _account(timed: TimedOutcome) -> str:
    """The differences and the explanation of a failed case."""
    return "\n".join([*timed.outcome.differences, "", timed.outcome.why]).strip()


def _counts(cases: Iterable[TimedOutcome], broken: Iterable[BrokenCase]) -> dict[str, str]:
    timed, errors = list(cases), list(broken)
    return {
        "tests": str(len(timed) + len(errors)),
        "failures": str(sum(case.failed for case in timed)),
        "errors": str(len(errors)),
        "time": f"{sum(case.seconds for case in timed):.6f}",
    }


def _clean(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
