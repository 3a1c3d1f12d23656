"""The options of every command that calls a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TargetOption = Annotated[str, typer.Option("--target", envvar="ANSWERBY_TARGET", help="host:port of the server.")]
TokenOption = Annotated[str, typer.Option("--token", envvar="ANSWERBY_TOKEN", help="Bearer token.", show_default=False)]
TlsCaOption = Annotated[Path | None, typer.Option("--tls-ca", help="PEM authorities of the server; turns TLS on.")]
PatienceOption = Annotated[
    float,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="How long to wait for a server that is away, as for a restart.",
    ),
]

DEFAULT_TARGET = "127.0.0.1:50051"
DEFAULT_PATIENCE = 30.0
"""Seconds."""
