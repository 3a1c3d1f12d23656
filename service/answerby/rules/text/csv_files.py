"""The CSV files of a rule folder, and the table that each file belongs to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from answerby.rules.text.diagnostic_codes import Code
from answerby.rules.text.diagnostics import DiagnosticReport
from answerby.rules.text.node_reader import NodeReader
from answerby.rules.text.nodes import Node, Place, ScalarNode
from answerby.rules.text.rule_folder import RuleText
from answerby.rules.text.rule_paths import is_csv

_ELSEWHERE = re.compile(r"[A-Za-z]:|/|~|\w+://")


class CsvFiles:
    """The CSV files of one load. One file belongs to at most one table."""

    def __init__(self, texts: Iterable[RuleText], report: DiagnosticReport) -> None:
        self._texts = {text.path: text.text for text in texts if is_csv(text.path)}
        self._report = report
        self._reader = NodeReader(report)
        self._users: dict[str, Place] = {}

    def take(self, node: Node) -> tuple[str, str] | None:
        """The path and the text of the file that `rows_from` names.

        None, with a diagnostic, when the file is missing, lies outside the folder, or belongs to another table.
        """
        path = self._path(node)
        if path is None:
            return None
        if path not in self._texts:
            self._report_missing(node, path)
            return None
        first = self._users.setdefault(path, node.place)
        if first != node.place:
            message = f"{path} already holds the rows of the table in {first.file}:{first.line}"
            self._report.add(Code.CSV_SHARED, node, message, "give each table a file of its own")
            return None
        return path, self._texts[path]

    def report_unused(self) -> None:
        """Reports each file that no table names. Edits of such a file change nothing."""
        if self._report.may_have_lost("stage"):
            return
        for path in sorted(self._texts.keys() - self._users.keys()):
            message = "no table takes its rows from this file"
            hint = f"write `rows_from: {PurePosixPath(path).name}` in a table beside it, or move it out of the rules"
            self._report.add(Code.CSV_UNUSED, Place(path, 1, 1), message, hint)

    def _path(self, node: Node) -> str | None:
        """The path within the rule folder. The node names a path relative to its own file."""
        text = self._reader.nonempty_text(node, "rows_from")
        if text is None:
            return None
        folder = PurePosixPath(node.place.file).parent.as_posix()
        path = posixpath.normpath(posixpath.join(folder, text))
        hint = "name a CSV file in the rule folder, such as `rows_from: matrix.csv`"
        if "\\" in text:
            hint = f"write {text.replace(chr(92), '/')}"
        elif not _ELSEWHERE.match(text) and path.split("/")[0] != ".." and is_csv(path):
            return path
        self._report.add(Code.CSV_PATH, node, f'"{text[:80]}" is not the path of a CSV file in the rule folder', hint)
        return None

    def _report_missing(self, node: Node, path: str) -> None:
        if self._report.may_have_lost("rows_from"):
            return
        assert isinstance(node, ScalarNode)
        by_name = {PurePosixPath(known).name: known for known in self._texts}
        elsewhere = by_name.get(PurePosixPath(path).name)
        folder = PurePosixPath(node.place.file).parent.as_posix()
        names = {posixpath.relpath(known, folder) for known in self._texts}
        hint = (
            f"it is {posixpath.relpath(elsewhere, folder)} from here"
            if elsewhere is not None
            else self._report.suggest(node.text, names) or "save it beside this file as CSV UTF-8"
        )
        self._report.add(Code.CSV_MISSING, node, f"there is no file {path}", hint)
