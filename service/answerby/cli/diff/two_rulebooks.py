"""Compares two rulebooks, of folders or of a server, and prints the differences."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from answerby.cli.backtest.rule_set import revision_named
from answerby.cli.client import Server
from answerby.cli.fail import CommandFailed, describe_rpc
from answerby.domain.errors import AnswerbyError
from answerby.rules.loader import load_rulebook
from answerby.rules.model.rulebook import Rulebook
from answerby.rules.text.diagnostics import error_count_text
from answerby.workbench.diff.compare import compare
from answerby.workbench.diff.report import report_data, report_text

FORMATS = ("text", "json")
SAME, DIFFERENT, TROUBLE = 0, 1, 2
"""The exit statuses, as those of diff."""


def diff_rulebooks(old: str, new: str, form: str, server: Server) -> int:
    """Prints the differences and returns the exit status. `form` is text or json.

    `old` and `new` are folders, revisions that the server keeps, or `active`.
    """
    if form not in FORMATS:
        return trouble(f"--format {form}: must be text or json")
    books = [load_any(name, server) for name in (old, new)]
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


def load_any(name: str, server: Server) -> Rulebook | str:
    """The rulebook of a folder or of a kept revision, or the reason why there is none. A folder of the name wins."""
    try:
        revision = revision_named(name)
    except CommandFailed as error:
        return str(error)
    if revision is None:
        return load(Path(name))
    import grpc  # noqa: PLC0415 - two folders do without it

    from answerby.cli.backtest.server_rules import fetch_revision  # noqa: PLC0415 - as above

    with TemporaryDirectory() as place:
        try:
            fetch_revision(server, revision, Path(place))
        except CommandFailed as error:
            return f"{name}: {error}"
        except grpc.RpcError as error:
            return f"{name}: {server.address}: {describe_rpc(error)}"
        except OSError as error:
            return f"{name}: {error}"
        return load(Path(place), name)


def load(folder: Path, name: str = "") -> Rulebook | str:
    """The rulebook of a folder, or the reason why there is none."""
    result = load_rulebook(folder)
    if result.rulebook is not None:
        return result.rulebook
    errors = [str(finding) for finding in result.diagnostics if finding.severity == "error"]
    first = f"{name or folder}: {error_count_text(len(errors))}: {errors[0]}"
    return first if name else f"{first} (all of them: answerby check {folder})"


def trouble(message: str) -> int:
    print(f"answerby: {message}", file=sys.stderr)
    return TROUBLE
