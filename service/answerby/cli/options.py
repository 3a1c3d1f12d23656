"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from answerby.cli.client import DEFAULT_PATIENCE, Server

DEFAULT_TARGET = "127.0.0.1:50051"

RulesOption = Annotated[Path | None, typer.Option("--rules", help="Rules folder.")]
DemoOption = Annotated[bool, typer.Option("--demo", help="Take the demo rules that ship with answerby.")]
JsonLinesOption = Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")]
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

ZoneOption = Annotated[
    str, typer.Option("--zone", help="Show times in this zone, such as Europe/Berlin; default: the rulebook's.")
]

PatientServer = Annotated[Server, PatienceOption]
"""A server whose patience is an option too."""


def on_server(function: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of a server in place of its one parameter of type Server or PatientServer.

    The options are --target, --token, --tls-ca and, for a PatientServer, --patience.
    """
    signature = inspect.signature(function, eval_str=True)
    name = next(p.name for p in signature.parameters.values() if _is_server(p))
    parameters = [option for p in signature.parameters.values() for option in (_options(p) if _is_server(p) else [p])]

    @functools.wraps(function)
    def wrapped(
        *, target: str, token: str, tls_ca: Path | None, patience: float = DEFAULT_PATIENCE, **other: Any
    ) -> None:
        function(**{name: Server(target, token, tls_ca, patience)}, **other)

    # Typer reads the options from the signature and the annotations.
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    replaced = [parameter.replace(kind=positional) for parameter in parameters]
    wrapped.__signature__ = signature.replace(parameters=replaced)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _is_server(parameter: inspect.Parameter) -> bool:
    return parameter.annotation in (Server, PatientServer)


def _options(server: inspect.Parameter) -> Iterator[inspect.Parameter]:
    options: list[tuple[str, Any, object]] = [
        ("target", TargetOption, DEFAULT_TARGET),
        ("token", TokenOption, ""),
        ("tls_ca", TlsCaOption, None),
    ]
    if server.annotation == PatientServer:
        options.append(("patience", PatienceOption, DEFAULT_PATIENCE))
    for name, annotation, default in options:
        yield inspect.Parameter(name, server.kind, default=default, annotation=annotation)
