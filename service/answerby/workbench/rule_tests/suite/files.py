"""The test files of a rules folder and their text."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.nodes import Place
from answerby.rules.text.rule_folder import MAX_FILE_BYTES, RuleText, decode
from answerby.rules.text.rule_paths import is_test_file, stem_of_test, walk_files

FIXTURES = "fixtures"
"""`fixtures_test.yaml` holds fixtures for its folder and the folders below it."""


def holds_fixtures(path: str) -> bool:
    return stem_of_test(path.rpartition("/")[2]) == FIXTURES


def find_suites(folder: Path, report: DiagnosticReport) -> list[Path]:
    """Every test file below the folder, in the order of their paths. What cannot be listed becomes a diagnostic."""

    def unreadable(error: OSError) -> None:
        name = Path(str(error.filename)).relative_to(folder).as_posix()
        report.add(Code.FILE_UNREADABLE, Place(name, 1, 1), f"cannot be listed: {error.strerror}")

    return sorted(path for path in walk_files(folder, unreadable) if is_test_file(path.name))


def read_texts(folder: Path, report: DiagnosticReport) -> list[RuleText]:
    """The texts of the test files below the folder. A file that cannot be read becomes a diagnostic."""
    texts = (_read(path, path.relative_to(folder).as_posix(), report) for path in find_suites(folder, report))
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
