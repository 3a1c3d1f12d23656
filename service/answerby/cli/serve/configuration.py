"""The configuration of a server: the file, the environment, and the command line over both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import typer

from answerby.cli.rules_folder import shipped_rules
from answerby.server.base.config import Config, load_config
from answerby.server.serve import serve

CONFIG_FILE = Path("answerby.toml")


def serve_forever(
    config: Path | None, *, listen: str, workers: int, rules: Path | None, data: Path | None, engine: str
) -> None:
    """Serves until a stop signal, then ends with the status of the server. Raises AnswerbyError if it cannot start."""
    overlay = options(listen=listen, workers=workers, rules=rules, data=data, engine=engine)
    raise typer.Exit(serve(configured(config, overlay)))


def configured(config: Path | None, overlay: Mapping[str, str]) -> Config:
    """The configuration of a server, by `answerby.toml` here when no file is named. Raises InvalidConfig.

    The rules that ship are taken when no folder is configured and there is no `rules` here.
    """
    if config is None and CONFIG_FILE.is_file():
        config = CONFIG_FILE
    loaded = load_config(config, {**os.environ, **overlay})
    if "folder" in loaded.rules.model_fields_set or loaded.rules.folder.is_dir():
        return loaded
    rules = loaded.rules.model_copy(update={"folder": shipped_rules()})
    return loaded.model_copy(update={"rules": rules})


def options(
    *, listen: str = "", workers: int = 0, rules: Path | None = None, data: Path | None = None, engine: str = ""
) -> dict[str, str]:
    """The options of the command line as environment variables."""
    given = {
        "ANSWERBY_SERVER__LISTEN": listen,
        "ANSWERBY_SERVER__WORKERS": str(workers or ""),
        "ANSWERBY_RULES__FOLDER": str(rules or ""),
        "ANSWERBY_STORE__DATA_FOLDER": str(data or ""),
        "ANSWERBY_RULES__ENGINE": engine,
    }
    return {name: value for name, value in given.items() if value}
