"""The command `answerby diff`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import PatientServer, on_server


@command
@on_server
def diff(
    old: Annotated[str, typer.Argument(help="Rules folder, a revision of the server, or active.")],
    new: Annotated[str, typer.Argument(help="Rules folder, a revision of the server, or active.")],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    *,
    server: PatientServer,
) -> None:
    """Say what differs in meaning, with requests that show it; status 0 nothing, 1 something, 2 trouble."""
    from answerby.cli.diff.two_rulebooks import diff_rulebooks

    raise typer.Exit(diff_rulebooks(old, new, output, server))
