"""`answerby connector ...`: what each subcommand takes."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.client import Server
from answerby.cli.fail import command
from answerby.cli.options import JsonLinesOption, PatientServer, on_server

app = typer.Typer(
    name="connector",
    help="Fetch what a platform has, and try what it sends.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

NameArgument = Annotated[str, typer.Argument(help="The name of a connector in the configuration.")]


@app.command()
@command
@on_server
def sync(
    name: NameArgument,
    *,
    since: Annotated[str, typer.Option(help="A time back such as 90m, 12h or 30d; or a date or an instant.")],
    server: PatientServer,
    as_json: JsonLinesOption = False,
) -> None:
    """Fetch the changes of a platform since a moment again, as after an outage or a lost webhook."""
    from answerby.cli.connector.sync import sync_connector

    sync_connector(server, name, since, as_json=as_json)


@app.command(name="try")
@command
@on_server
def try_(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="The body of a webhook; - is standard input.")],
    *,
    server: Server,
    header: Annotated[list[str] | None, typer.Option(help="Such as 'X-Event: created'; may be repeated.")] = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Say what would become of a webhook: its events and the decisions. Nothing is stored. Status 1 for a refusal."""
    from answerby.cli.connector.dry_run import try_webhook

    if not try_webhook(server, name, file, header or [], as_json=as_json):
        raise typer.Exit(1)
