"""`answerby dead ...`: what each subcommand takes."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import JsonLinesOption, PatientServer, ZoneOption, on_server

app = typer.Typer(
    name="dead",
    help="See what was given up, effects and events, and put it back or discard it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

IdsArgument = Annotated[list[str] | None, typer.Argument(help="Ids, as `answerby dead list` shows them.")]
ConnectorOption = Annotated[str, typer.Option("--connector", help="Only those of this connector.")]
WayOption = Annotated[str, typer.Option("--way", help="Only in (events) or out (effects).")]


@app.command(name="list")
@command
@on_server
def list_(
    *,
    server: PatientServer,
    connector: ConnectorOption = "",
    way: WayOption = "",
    as_json: JsonLinesOption = False,
    zone: ZoneOption = "",
) -> None:
    """List what was given up, the oldest first."""
    from answerby.cli.dead.calls import list_letters
    from answerby.cli.shown_zone import ShownZone

    list_letters(server, connector, way, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def show(letter_id: str, *, server: PatientServer, as_json: JsonLinesOption = False, zone: ZoneOption = "") -> None:
    """Show one with its content, which may hold texts of persons."""
    from answerby.cli.dead.calls import show_letter
    from answerby.cli.shown_zone import ShownZone

    show_letter(server, letter_id, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def replay(
    ids: IdsArgument = None, *, server: PatientServer, connector: ConnectorOption = "", way: WayOption = ""
) -> None:
    """Put back into the queue those named, or all of a connector. Status 1 when one was refused."""
    from answerby.cli.dead.calls import Action, act

    if not act(server, Action.REPLAY, ids or [], connector, way):
        raise typer.Exit(1)


@app.command()
@command
@on_server
def discard(
    ids: IdsArgument = None, *, server: PatientServer, connector: ConnectorOption = "", way: WayOption = ""
) -> None:
    """Delete those named, or all of a connector. Status 1 when one was refused."""
    from answerby.cli.dead.calls import Action, act

    if not act(server, Action.DISCARD, ids or [], connector, way):
        raise typer.Exit(1)


@app.command()
@command
@on_server
def export(*, server: PatientServer, connector: ConnectorOption = "", way: WayOption = "") -> None:
    """Write each with its content as a line of JSON. The content may hold texts of persons."""
    from answerby.cli.dead.calls import export_letters

    export_letters(server, connector, way)
