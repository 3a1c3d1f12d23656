"""The command `answerby diff`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from typing import Annotated

import typer

from answerby.cli.client import DEFAULT_PATIENCE
from answerby.cli.fail import command
from answerby.cli.options import DEFAULT_TARGET, PatienceOption, TargetOption, TlsCaOption, TokenOption


@command
def diff(
    old: Annotated[str, typer.Argument(help="Rules folder, a revision of the server, or active.")],
    new: Annotated[str, typer.Argument(help="Rules folder, a revision of the server, or active.")],
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
) -> None:
    """Say what differs in meaning, with requests that show it; status 0 nothing, 1 something, 2 trouble."""
    from answerby.cli.client import Server
    from answerby.cli.diff.two_rulebooks import diff_rulebooks

    raise typer.Exit(diff_rulebooks(old, new, output, Server(target, token, tls_ca, patience)))
