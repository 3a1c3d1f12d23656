"""Compares two folders of rules and prints the differences."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from answerby.domain.errors import AnswerbyError
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import error_count_text
from answerby.workbench.diff.compare import compare
from answerby.workbench.diff.report import report_data, report_text

FORMATS = ("text", "json")
SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""The exit statuses, as those of diff."""


def diff_folders(old: Path, new: Path, form: str) -> int:
    """Prints the differences and returns the exit status. `form` is text or json."""
    if form not in FORMATS:
        return trouble(f"--format {form}: must be text or json")
    books = [load(folder) for folder in (old, new)]
    problems = [book for book in books if isinstance(book, str)]
    if problems:
        return trouble("; ".join(problems))
    one, two = (book for book in books if isinstance(book, Rulebook))
    try:
        found = compare(one, two)
    except AnswerbyError as error:
        return trouble(error.message)
    if form == "json":
        sys.stdout.write(orjson.dumps(report_data(found), option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        sys.stdout.write(report_text(found))
    sys.stdout.flush()
    return DIFFERENT if found.changed_meaning else SAME


def load(folder: Path) -> Rulebook | str:
    """The rulebook of a folder, or the reason why there is none."""
    result = load_rulebook(folder)
    if result.rulebook is not None:
        return result.rulebook
    errors = [str(finding) for finding in result.diagnostics if finding.severity == "error"]
    return f"{folder}: {error_count_text(len(errors))}: {errors[0]} (all of them: answerby check {folder})"


def trouble(message: str) -> int:
    print(f"answerby: {message}", file=sys.stderr)
    return TROUBLE
