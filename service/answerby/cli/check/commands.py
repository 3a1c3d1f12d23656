"""The command `answerby check`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import DemoOption, RulesOption


@command
def check(
    path: Annotated[Path | None, typer.Argument(help="Rules folder, or a file or folder in one.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings refuse the rules too.")] = False,
    form: Annotated[str, typer.Option("--format", help="text, json, sarif or github.")] = "text",
    no_proofs: Annotated[bool, typer.Option("--no-proofs", help="Leave out the proofs; quicker.")] = False,
    rules: RulesOption = None,
    demo: DemoOption = False,
    on: Annotated[str, typer.Option("--on", metavar="DATE", help="As if today were this day.")] = "",
    explain: Annotated[
        str, typer.Option("--explain", metavar="CODE", help="Print the page of a code; all: every code.")
    ] = "",
) -> None:
    """Check rule files; status 1 when they are refused, 2 when they cannot be checked."""
    from answerby.cli.check import report
    from answerby.cli.rules_folder import rules_of

    if explain:
        raise typer.Exit(report.explain(explain))
    options = report.Options(strict, form, not no_proofs, rules, on)
    raise typer.Exit(report.check(rules_of(path or rules, demo=demo, status=report.NOT_RUN), options))
