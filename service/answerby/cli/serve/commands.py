"""The commands `answerby serve` and `answerby run`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command
from answerby.cli.options import DemoOption, RulesOption

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="ANSWERBY_CONFIG", help="TOML file; see the reference of the configuration."),
]
ListenOption = Annotated[str, typer.Option("--listen", help="host:port of the gRPC server.", show_default=False)]
DataOption = Annotated[Path | None, typer.Option("--data", help="Folder of the embedded store.")]


@command
def serve(
    config: ConfigOption = None,
    listen: ListenOption = "",
    workers: Annotated[int, typer.Option(help="Processes that share the port.", min=0, show_default=False)] = 0,
    rules: RulesOption = None,
    demo: DemoOption = False,
    data: DataOption = None,
    engine: Annotated[str, typer.Option(help="durable, reference or shadow.", show_default=False)] = "",
) -> None:
    """Serve until a stop signal."""
    from answerby.cli.serve.configuration import serve_forever

    serve_forever(config, listen=listen, workers=workers, rules=rules, demo=demo, data=data, engine=engine)


@command
def run(
    config: ConfigOption = None,
    listen: ListenOption = "",
    rules: RulesOption = None,
    data: DataOption = None,
    once: Annotated[bool, typer.Option("--once", help="End after the samples are decided and delivered.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why the first sample was decided so.")] = False,
) -> None:
    """Serve, decide the sample requests of the rules, and keep serving until Ctrl-C. Without rules: the demo rules."""
    from answerby.cli.serve.samples import run_samples

    run_samples(config, listen=listen, rules=rules, data=data, once=once, explain=explain)
