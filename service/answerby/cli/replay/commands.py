"""The command `answerby replay`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.client import DEFAULT_PATIENCE, Server
from answerby.cli.fail import command
from answerby.cli.options import DemoOption, PatienceOption, RulesOption, TlsCaOption, TokenOption


@command
def replay(
    file: Annotated[Path, typer.Argument(help="CSV or JSON-lines export, also .xz and .gz.")],
    mapping: Annotated[Path, typer.Option("--mapping", help="From columns to events; see the replay how-to.")],
    out: Annotated[Path, typer.Option("--out", help="Decisions as JSON lines; - is standard output.")],
    rules: RulesOption = None,
    demo: DemoOption = False,
    target: Annotated[str, typer.Option("--target", help="Decide on this server instead of here.")] = "",
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
    tenant: Annotated[str, typer.Option(help="Tenant of decisions made here.")] = "default",
    engine: Annotated[str, typer.Option(help="Of decisions made here: durable, reference or shadow.")] = "durable",
    summary: Annotated[Path | None, typer.Option("--summary", help="The summary as JSON too.")] = None,
    limit: Annotated[int, typer.Option(help="Stop after so many rows; 0: all.", min=0)] = 0,
    in_flight: Annotated[int, typer.Option(help="Batches under way at once.", min=1, max=64)] = 4,
    batch: Annotated[int, typer.Option(help="Events per batch.", min=1, max=500)] = 500,
    brief: Annotated[bool, typer.Option("--brief", help="Of a server: leave the rules out; quicker.")] = False,
) -> None:
    """Decide the past: turn an export into events, decide them all, sum up."""
    from answerby.cli.replay.mapping import load_mapping
    from answerby.cli.replay.run import Job, Local, Remote, replay_and_report
    from answerby.cli.rules_folder import rules_of

    job = Job(file=file, mapping=load_mapping(mapping), out=out, tenant=tenant, limit=limit)
    if target:
        server = Server(target, token, tls_ca, patience)
        replay_and_report(job, Remote(server, in_flight=in_flight, batch=batch, brief=brief), summary)
    else:
        replay_and_report(job, Local(rules_of(rules, demo=demo), engine), summary)
