"""`answerby connector ...`: what each subcommand takes."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import JsonLinesOption, PatientServer, ZoneOption, on_server

app = typer.Typer(
    name="connector",
    help="See how connectors stand, pause and resume them, fetch what a platform has, try what it sends, begin one.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

NameArgument = Annotated[str, typer.Argument(help="The name of a connector in the configuration.")]


@app.command(name="list")
@command
@on_server
def list_(*, server: PatientServer, as_json: JsonLinesOption = False, zone: ZoneOption = "") -> None:
    """List the connectors: state, what waits, the last success, and why one does not work."""
    from answerby.cli.connector.life import list_connectors
    from answerby.cli.shown_zone import ShownZone

    list_connectors(server, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def show(name: NameArgument, *, server: PatientServer, as_json: JsonLinesOption = False, zone: ZoneOption = "") -> None:
    """Show one connector: its state, what it takes and guarantees, and what its platform cannot do."""
    from answerby.cli.connector.life import show_connector
    from answerby.cli.shown_zone import ShownZone

    show_connector(server, name, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def check(name: NameArgument, *, server: PatientServer, as_json: JsonLinesOption = False) -> None:
    """Ask the platform whether it takes what the connector is set to send; reads only. Status 1: something to mend."""
    from answerby.cli.connector.life import check_connector

    if not check_connector(server, name, as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
@on_server
def pause(
    name: NameArgument,
    *,
    server: PatientServer,
    reason: Annotated[str, typer.Option(help="Why, for other operators.")] = "",
    as_json: JsonLinesOption = False,
    zone: ZoneOption = "",
) -> None:
    """Let nothing more go out until it is resumed. Effects are queued and wait."""
    from answerby.cli.connector.life import pause_connector
    from answerby.cli.shown_zone import ShownZone

    pause_connector(server, name, reason, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def resume(
    name: NameArgument, *, server: PatientServer, as_json: JsonLinesOption = False, zone: ZoneOption = ""
) -> None:
    """End a pause, a hold and a rest. One attempt goes first."""
    from answerby.cli.connector.life import resume_connector
    from answerby.cli.shown_zone import ShownZone

    resume_connector(server, name, ShownZone(server, zone), as_json=as_json)


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
    server: PatientServer,
    header: Annotated[list[str] | None, typer.Option(help="Such as 'X-Event: created'; may be repeated.")] = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Say what would become of a webhook: its events and the decisions. Nothing is stored. Status 1 for a refusal."""
    from answerby.cli.connector.dry_run import try_webhook

    if not try_webhook(server, name, file, header or [], as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
def new(
    name: Annotated[str, typer.Argument(help="The name of the platform, such as acme: the type in configurations.")],
    *,
    folder: Annotated[Path | None, typer.Option(help="Where to write it; by default a folder of that name.")] = None,
) -> None:
    """Write the package of a connector that passes its proof, for you to make it speak to another platform."""
    from answerby.cli.connector.new import new_connector

    new_connector(name, folder)
