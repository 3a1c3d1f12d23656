"""The answerby command: its subcommands and the entry point. Their options are in `<family>/commands.py`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from answerby.cli.backtest.commands import backtest
from answerby.cli.check.commands import check
from answerby.cli.connector.commands import app as connector_commands
from answerby.cli.dead.commands import app as dead_commands
from answerby.cli.diff.commands import diff
from answerby.cli.replay.commands import replay
from answerby.cli.requests import commands as requests
from answerby.cli.rulebook.commands import app as rulebook_commands
from answerby.cli.schema.commands import schema
from answerby.cli.serve import commands as serving
from answerby.cli.test.commands import run_rule_tests

app = typer.Typer(
    name="answerby",
    help="Tells what a customer request is, how urgent, answered by when, who hears if it is not, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(rulebook_commands)
app.add_typer(connector_commands)
app.add_typer(dead_commands)

COMMANDS: Mapping[str, Callable[..., None]] = {
    "serve": serving.serve,
    "run": serving.run,
    "submit": requests.submit,
    "get": requests.get,
    "list": requests.list_,
    "watch": requests.watch,
    "trace": requests.trace,
    "explain": requests.explain,
    "what-if": requests.what_if,
    "check": check,
    "diff": diff,
    "schema": schema,
    "test": run_rule_tests,
    "replay": replay,
    "backtest": backtest,
    "export": requests.export,
}
"""In the order of --help."""
for name, function in COMMANDS.items():
    app.command(name)(function)

VersionOption = Annotated[
    bool, typer.Option("--version", is_eager=True, help="Print the version, its commit, and what decides here.")
]


@app.callback(invoke_without_command=True)
def about(version: VersionOption = False) -> None:
    if version:
        from answerby.cli.version import version_line

        print(version_line())
        raise typer.Exit


def main() -> None:
    """The entry point of the console script."""
    _show_all_characters()
    app()


def _show_all_characters() -> None:
    """Lets every terminal show Chinese names: characters that it cannot show are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            knows_ascii_only = codecs.lookup(stream.encoding).name == "ascii"
            encoding = "utf-8" if knows_ascii_only else stream.encoding
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


if __name__ == "__main__":
    main()
