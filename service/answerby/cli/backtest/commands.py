"""The command `answerby backtest`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.client import DEFAULT_PATIENCE
from answerby.cli.options import (
    DEFAULT_TARGET,
    PatienceOption,
    TargetOption,
    TlsCaOption,
    TokenOption,
    ZoneOption,
)


def backtest(
    rules: Annotated[str, typer.Option("--rules", help="The new rules: a folder, or a revision of the server.")],
    against: Annotated[
        str,
        typer.Option(
            help="The old rules: a folder, a revision of the server, active, or recorded: what was really decided.",
            show_default="recorded",
        ),
    ] = "",
    events: Annotated[Path | None, typer.Option(help="A recording, or an export with its --mapping.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="From columns to events; see the replay how-to.")] = None,
    since: Annotated[str, typer.Option(help="Requests received since so long ago, such as 30d.")] = "",
    start: Annotated[str, typer.Option("--from", help="Requests received from this date or instant on.")] = "",
    end: Annotated[str, typer.Option("--to", help="Requests received before this date or instant.")] = "",
    horizon: Annotated[
        str, typer.Option(help="Fire timers until the end of the events, 48h after it, or: timers.")
    ] = "end",
    at: Annotated[str, typer.Option("--at", help="Compare requests as of their last or their first event.")] = "last",
    fail_if: Annotated[list[str] | None, typer.Option(help="Status 1 if so, such as 'priority.raised > 5%'.")] = None,
    json: Annotated[
        str, typer.Option("--json", help="The report as JSON too; - is standard output, and no text.")
    ] = "",
    html: Annotated[Path | None, typer.Option("--html", help="The report as one page with charts too.")] = None,
    examples: Annotated[int, typer.Option(help="Examples of each kind of change.", min=0, max=50)] = 3,
    show_text: Annotated[bool, typer.Option("--show-text", help="Show what customers wrote in the examples.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes; 0: one for each processor.", min=0, max=256)] = 0,
    limit: Annotated[int, typer.Option(help="Stop after so many rows or requests; 0: all.", min=0)] = 0,
    tenant: Annotated[str, typer.Option(help="Tenant of the decisions.")] = "default",
    engine: Annotated[str, typer.Option(help="durable, reference or shadow.")] = "durable",
    zone: ZoneOption = "",
    target: TargetOption = "",
    token: TokenOption = "",
    tls_ca: TlsCaOption = None,
    patience: PatienceOption = DEFAULT_PATIENCE,
) -> None:
    """Decide the past again under other rules: whose requests would change, and how. Status 1: a gate trips."""
    from answerby.cli.backtest.run import Options, run

    run(
        Options(
            rules=rules,
            against=against,
            events=events,
            mapping=mapping,
            since=since,
            start=start,
            end=end,
            horizon=horizon,
            at=at,
            fail_if=tuple(fail_if or ()),
            json=json,
            html=html,
            examples=examples,
            show_text=show_text,
            jobs=jobs,
            limit=limit,
            tenant=tenant,
            engine=engine,
            zone=zone,
            target=target or (DEFAULT_TARGET if events is None else ""),
            token=token,
            tls_ca=tls_ca,
            patience=patience,
        )
    )
