"""The command `answerby schema`."""

# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that --help stays quick
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from answerby.cli.fail import command


@command
def schema(
    kind: Annotated[str, typer.Argument(help="Kind of file; any rule file when absent.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write all kinds into this folder.")] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="Know the names that these rules declare.")] = None,
) -> None:
    """Print the JSON Schema of a kind of file, for editors."""
    from answerby.cli.schema.schemas import print_schemas

    print_schemas(kind, out, rules)
