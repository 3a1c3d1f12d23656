"""The configuration of a server: the file, the environment, and the command line over both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import typer

from answerby.cli.rules_folder import demo_rules, found_rules
from answerby.server.base.config import Config, InvalidConfig, load_config
from answerby.server.serve import serve

CONFIG_FILE = Path("answerby.toml")


def serve_forever(
    config: Path | None, *, listen: str, workers: int, rules: Path | None, demo: bool, data: Path | None, engine: str
) -> None:
    """Serves until a stop signal, then ends with the status of the server. Raises AnswerbyError if it cannot start."""
    overlay = options(listen=listen, workers=workers, rules=rules, demo=demo, data=data, engine=engine)
    raise typer.Exit(serve(configured(config, overlay)))


def configured(config: Path | None, overlay: Mapping[str, str], *, demo_if_none: bool = False) -> Config:
    """The configuration of a server, by `answerby.toml` here when no file is named. Raises InvalidConfig.

    The rules folder is `rules.folder`, else `rules` beside the configuration file, else `rules` here, else none. The
    demo rules are taken only by `rules.demo`, or by `demo_if_none` where there are no others.
    """
    if config is None and CONFIG_FILE.is_file():
        config = CONFIG_FILE
    loaded = load_config(config, {**os.environ, **overlay})
    demo, folder = loaded.rules.demo, loaded.rules.folder
    if demo and folder is not None:
        raise InvalidConfig(f"the demo rules are asked for, but the rules folder is {folder}; leave one of them out")
    if folder is not None:
        return loaded
    folder = None if demo else found_rules(config)
    demo = demo or (demo_if_none and folder is None)
    rules = loaded.rules.model_copy(update={"folder": demo_rules() if demo else folder, "demo": demo})
    return loaded.model_copy(update={"rules": rules})


def options(
    *,
    listen: str = "",
    workers: int = 0,
    rules: Path | None = None,
    demo: bool = False,
    data: Path | None = None,
    engine: str = "",
) -> dict[str, str]:
    """The options of the command line as environment variables."""
    given = {
        "ANSWERBY_SERVER__LISTEN": listen,
        "ANSWERBY_SERVER__WORKERS": str(workers or ""),
        "ANSWERBY_RULES__FOLDER": str(rules or ""),
        "ANSWERBY_RULES__DEMO": "true" if demo else "",
        "ANSWERBY_STORE__DATA_FOLDER": str(data or ""),
        "ANSWERBY_RULES__ENGINE": engine,
    }
    return {name: value for name, value in given.items() if value}
