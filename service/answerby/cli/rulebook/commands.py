"""`answerby rulebook ...`: what each subcommand takes."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.client import Server
from answerby.cli.fail import command
from answerby.cli.options import PatientServer, ZoneOption, on_server

app = typer.Typer(
    name="rulebook",
    help="See which rules are live, put a change live, take it back.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-m", help="Why; shown in the history.", show_default=False)]
EtagOption = Annotated[
    str, typer.Option("--etag", help="Only when nothing went live since `show` printed this.", show_default=False)
]
CheckOption = Annotated[bool, typer.Option("--check", help="Only check; change nothing.")]
KeepOption = Annotated[bool, typer.Option("--keep-only", help="Keep the revision; do not put it live.")]
RevisionArgument = Annotated[str, typer.Argument(help="Such as r-0123456789abcdef; see `revisions`.")]
LimitOption = Annotated[int, typer.Option("--limit", help="At most so many.", min=1)]


@app.command()
@command
@on_server
def show(*, server: Server, as_json: JsonOption = False, zone: ZoneOption = "") -> None:
    """Say which revision is live, since when, by whom and why; status 1 while the last change is refused."""
    from answerby.cli.rulebook import calls
    from answerby.cli.shown_zone import ShownZone

    if not calls.show(server, ShownZone(server, zone), as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
@on_server
def workers(*, server: Server, as_json: JsonOption = False) -> None:
    """List every worker and the revision that it runs; status 1 when they differ."""
    from answerby.cli.rulebook import calls

    if not calls.workers(server, as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
@on_server
def revisions(*, server: Server, as_json: JsonOption = False, limit: LimitOption = 20, zone: ZoneOption = "") -> None:
    """List the revisions kept, newest first."""
    from answerby.cli.rulebook import calls
    from answerby.cli.shown_zone import ShownZone

    calls.revisions(server, limit, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def history(*, server: Server, as_json: JsonOption = False, limit: LimitOption = 20, zone: ZoneOption = "") -> None:
    """List who did what with the rules, newest first."""
    from answerby.cli.rulebook import calls
    from answerby.cli.shown_zone import ShownZone

    calls.history(server, limit, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def files(
    revision: RevisionArgument,
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder for them.")],
    *,
    server: Server,
) -> None:
    """Write the files of a revision to a folder."""
    from answerby.cli.rulebook import calls

    calls.files(server, revision, out)


@app.command()
@command
@on_server
def reload(
    *,
    server: Server,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    check: CheckOption = False,
    keep_only: KeepOption = False,
) -> None:
    """Put the server's rules folder live; status 1 when it has mistakes, which are listed."""
    from answerby.cli.rulebook import calls

    calls.reload(server, reason, check=check, keep_only=keep_only, as_json=as_json)


@app.command()
@command
@on_server
def upload(
    folder: Annotated[Path, typer.Argument(help="Rules folder on this machine.")],
    *,
    server: Server,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    check: CheckOption = False,
    keep_only: KeepOption = False,
) -> None:
    """Put a rules folder of this machine live on a server; status 1 when it has mistakes, which are listed."""
    from answerby.cli.rulebook import calls

    calls.upload(server, folder, reason, check=check, keep_only=keep_only, as_json=as_json)


@app.command()
@command
@on_server
def activate(
    revision: RevisionArgument,
    *,
    server: Server,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    etag: EtagOption = "",
) -> None:
    """Put a revision live that is kept."""
    from answerby.cli.rulebook import calls

    calls.activate(server, revision, reason, etag, as_json=as_json)


@app.command()
@command
@on_server
def rollback(*, server: Server, as_json: JsonOption = False, reason: ReasonOption = "", etag: EtagOption = "") -> None:
    """Put the revision live that was live before; again, the one before that."""
    from answerby.cli.rulebook import calls

    calls.rollback(server, reason, etag, as_json=as_json)


@app.command()
@command
@on_server
def approve(
    revision: RevisionArgument,
    *,
    server: Server,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    put_live: Annotated[bool, typer.Option("--activate", help="Put it live at once.")] = False,
) -> None:
    """Approve a revision that somebody else brought."""
    from answerby.cli.rulebook import calls

    calls.approve(server, revision, reason, put_live=put_live, as_json=as_json)


@app.command()
@command
@on_server
def reject(
    revision: RevisionArgument, *, server: Server, as_json: JsonOption = False, reason: ReasonOption = ""
) -> None:
    """Refuse a revision: it cannot go live until it is approved."""
    from answerby.cli.rulebook import calls

    calls.reject(server, revision, reason, as_json=as_json)


@app.command("try")
@command
@on_server
def try_(
    revision: RevisionArgument,
    *,
    server: Server,
    as_json: JsonOption = False,
    tenant: Annotated[list[str] | None, typer.Option(help="Only of this tenant; may be repeated.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only of this category; may be repeated.")] = None,
    percent: Annotated[float, typer.Option(help="Of the requests, told apart by their id.")] = 100.0,
    reason: ReasonOption = "",
) -> None:
    """Let a kept revision decide beside the live one; nothing of it is delivered, differences are counted."""
    from answerby.cli.rulebook import candidate_calls as calls

    segment = calls.Segment(tenant or [], category or [], percent)
    calls.start(server, revision, segment, reason, as_json=as_json)


@app.command()
@command
@on_server
def trial(*, server: Server, as_json: JsonOption = False, limit: LimitOption = 20, zone: ZoneOption = "") -> None:
    """Say what the revision on trial would have decided otherwise."""
    from answerby.cli.rulebook import candidate_calls as calls
    from answerby.cli.shown_zone import ShownZone

    calls.show(server, limit, ShownZone(server, zone), as_json=as_json)


@app.command()
@command
@on_server
def stop(*, server: Server, as_json: JsonOption = False, reason: ReasonOption = "") -> None:
    """End the trial; what was found stays until the next one."""
    from answerby.cli.rulebook import candidate_calls as calls

    calls.stop(server, reason, as_json=as_json)


@app.command()
@command
@on_server
def promote(*, server: Server, as_json: JsonOption = False, reason: ReasonOption = "", etag: EtagOption = "") -> None:
    """Put the revision live that is on trial."""
    from answerby.cli.rulebook import candidate_calls as calls

    calls.promote(server, reason, etag, as_json=as_json)


@app.command()
@command
@on_server
def migrate(
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would move; change nothing.")] = False,
    clock: Annotated[list[str] | None, typer.Option("--clock", help="Only this clock; may be repeated.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Look at so many requests; 0: all.", min=0)] = 0,
    *,
    server: PatientServer,
    as_json: JsonOption = False,
    zone: ZoneOption = "",
) -> None:
    """Let running clocks take what the live rules say; otherwise they keep the target they started with."""
    from answerby.cli.rulebook.migrate import migrate as run
    from answerby.cli.shown_zone import ShownZone

    if not run(server, clock or (), limit, ShownZone(server, zone), preview=preview, as_json=as_json):
        raise typer.Exit(1)
