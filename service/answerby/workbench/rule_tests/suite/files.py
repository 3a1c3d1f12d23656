"""The test files of a rules folder and their text."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Place
from answerby.rules.text.rule_folder import MAX_FILE_BYTES, OTHER_FOLDERS, RuleText, decode

SUFFIXES = ("_test.yaml", "_test.yml")
FIXTURES = "fixtures"
"""`fixtures_test.yaml` holds fixtures for its folder and the folders below it."""


def is_test_file(name: str) -> bool:
    """Whether a file of this name holds rule tests or fixtures for them."""
    return name.endswith(SUFFIXES) and not name.startswith(".")


def holds_fixtures(path: str) -> bool:
    return path.rpartition("/")[2].removesuffix("_test.yaml").removesuffix("_test.yml") == FIXTURES


def find_suites(folder: Path) -> list[Path]:
    """Every test file below the folder, in the order of their paths."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in OTHER_FOLDERS]
        found += [Path(parent) / name for name in files if is_test_file(name)]
    return sorted(found)


def read_texts(folder: Path, report: DiagnosticReport) -> list[RuleText]:
    """The texts of the test files below the folder. A file that cannot be read becomes a diagnostic."""
    texts = (_read(path, path.relative_to(folder).as_posix(), report) for path in find_suites(folder))
    return [text for text in texts if text is not None]


def _read(path: Path, name: str, report: DiagnosticReport) -> RuleText | None:
    start = Place(name, 1, 1)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            report.add(Code.FILE_UNREADABLE, start, "is not an ordinary file")
            return None
        content = path.read_bytes()
    except OSError as error:
        report.add(Code.FILE_UNREADABLE, start, f"cannot be read: {error.strerror}", "check its permissions")
        return None
    if len(content) > MAX_FILE_BYTES:
        report.add(Code.FILE_TOO_LARGE, start, "is larger than 1 MiB", "split it into several files")
        return None
    text = decode(content, name, report)
    return None if text is None else RuleText(name, text, hashlib.sha256(content).hexdigest())
