"""The command `answerby diff`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command


@command
def diff(
    old: Annotated[Path, typer.Argument(help="Rules folder.")],
    new: Annotated[Path, typer.Argument(help="Rules folder.")],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Say what differs in meaning, with requests that show it; status 0 nothing, 1 something, 2 trouble."""
    from answerby.cli.diff.folders import diff_folders

    raise typer.Exit(diff_folders(old, new, output))
