"""The command `answerby test`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import DemoOption


@command
def run_rule_tests(
    folder: Annotated[Path | None, typer.Argument(help="Rules folder.")] = None,
    coverage: Annotated[bool, typer.Option("--coverage", help="Say which rules and rows no case decided by.")] = False,
    fail_under: Annotated[
        float | None, typer.Option("--fail-under", help="Least coverage in percent.", min=0, max=100)
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file too.")] = None,
    demo: DemoOption = False,
    chosen: Annotated[str, typer.Option("--filter", help="Only cases whose file or name has this in it.")] = "",
    language: Annotated[str, typer.Option("--language", help="Of explanations: en or zh.")] = "en",
    accept: Annotated[
        bool, typer.Option("--accept", help="Show the expectations that moved; ask, then write what holds now.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without the question, for scripts.")] = False,
) -> None:
    """Run the *_test.yaml files beside the rules; status 1 when a case fails, 2 when they cannot be run."""
    from answerby.cli.rules_folder import rules_of
    from answerby.cli.test import run

    options = run.options(coverage, fail_under, form, junit, chosen, language, accept=accept, yes=yes)
    raise typer.Exit(run.test_rules(rules_of(folder, demo=demo, status=2), options))
