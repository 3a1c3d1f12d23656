"""`answerby rulebook ...`: what each subcommand takes."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import DEFAULT_TARGET, TargetOption, TlsCaOption, TokenOption

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
def show(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which revision is live, since when, by whom and why; status 1 while the last change is refused."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    if not calls.show(Target(target, token, tls_ca), as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
def workers(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every worker and the revision that it runs; status 1 when they differ."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    if not calls.workers(Target(target, token, tls_ca), as_json=as_json):
        raise typer.Exit(1)


@app.command()
@command
def revisions(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = 20,
) -> None:
    """List the revisions kept, newest first."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.revisions(Target(target, token, tls_ca), limit, as_json=as_json)


@app.command()
@command
def history(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = 20,
) -> None:
    """List who did what with the rules, newest first."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.history(Target(target, token, tls_ca), limit, as_json=as_json)


@app.command()
@command
def files(
    revision: RevisionArgument,
    out: Annotated[Path, typer.Option("--out", help="A new or empty folder for them.")],
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
) -> None:
    """Write the files of a revision to a folder."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.files(Target(target, token, tls_ca), revision, out)


@app.command()
@command
def reload(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    check: CheckOption = False,
    keep_only: KeepOption = False,
) -> None:
    """Put the server's rules folder live; status 1 when it has mistakes, which are listed."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.reload(Target(target, token, tls_ca), reason, check=check, keep_only=keep_only, as_json=as_json)


@app.command()
@command
def upload(
    folder: Annotated[Path, typer.Argument(help="Rules folder on this machine.")],
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    check: CheckOption = False,
    keep_only: KeepOption = False,
) -> None:
    """Put a rules folder of this machine live on a server; status 1 when it has mistakes, which are listed."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.upload(Target(target, token, tls_ca), folder, reason, check=check, keep_only=keep_only, as_json=as_json)


@app.command()
@command
def activate(
    revision: RevisionArgument,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    etag: EtagOption = "",
) -> None:
    """Put a revision live that is kept."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.activate(Target(target, token, tls_ca), revision, reason, etag, as_json=as_json)


@app.command()
@command
def rollback(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    etag: EtagOption = "",
) -> None:
    """Put the revision live that was live before; again, the one before that."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.rollback(Target(target, token, tls_ca), reason, etag, as_json=as_json)


@app.command()
@command
def approve(
    revision: RevisionArgument,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    put_live: Annotated[bool, typer.Option("--activate", help="Put it live at once.")] = False,
) -> None:
    """Approve a revision that somebody else brought."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.approve(Target(target, token, tls_ca), revision, reason, put_live=put_live, as_json=as_json)


@app.command()
@command
def reject(
    revision: RevisionArgument,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
) -> None:
    """Refuse a revision: it cannot go live until it is approved."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import calls

    calls.reject(Target(target, token, tls_ca), revision, reason, as_json=as_json)


@app.command("try")
@command
def try_(
    revision: RevisionArgument,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    tenant: Annotated[list[str] | None, typer.Option(help="Only of this tenant; may be repeated.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only of this category; may be repeated.")] = None,
    percent: Annotated[float, typer.Option(help="Of the requests, told apart by their id.")] = 100.0,
    reason: ReasonOption = "",
) -> None:
    """Let a kept revision decide beside the live one; nothing of it is delivered, differences are counted."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import candidate_calls as calls

    segment = calls.Segment(tenant or [], category or [], percent)
    calls.start(Target(target, token, tls_ca), revision, segment, reason, as_json=as_json)


@app.command()
@command
def trial(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    limit: LimitOption = 20,
) -> None:
    """Say what the revision on trial would have decided otherwise."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import candidate_calls as calls

    calls.show(Target(target, token, tls_ca), limit, as_json=as_json)


@app.command()
@command
def stop(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
) -> None:
    """End the trial; what was found stays until the next one."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import candidate_calls as calls

    calls.stop(Target(target, token, tls_ca), reason, as_json=as_json)


@app.command()
@command
def promote(
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "",
    etag: EtagOption = "",
) -> None:
    """Put the revision live that is on trial."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook import candidate_calls as calls

    calls.promote(Target(target, token, tls_ca), reason, etag, as_json=as_json)


@app.command()
@command
def migrate(
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would move; change nothing.")] = False,
    clock: Annotated[list[str] | None, typer.Option("--clock", help="Only this clock; may be repeated.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Look at so many requests; 0: all.", min=0)] = 0,
    target: TargetOption = DEFAULT_TARGET,
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let running clocks take what the live rules say; otherwise they keep the target they started with."""
    from answerby.cli.client import Target
    from answerby.cli.rulebook.migrating import migrate as run

    if not run(Target(target, token, tls_ca), clock or (), limit, preview=preview, as_json=as_json):
        raise typer.Exit(1)
