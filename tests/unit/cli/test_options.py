"""Options that pages promise of whole groups of commands."""

from __future__ import annotations

from collections.abc import Iterator

import typer.main

from answerby.cli.connector.commands import app as connector_app
from answerby.cli.dead.commands import app as dead_app
from answerby.cli.main import app
from answerby.cli.rulebook.commands import app as rulebook_app

SHOW_TIMES = {"submit", "get", "list", "watch", "explain", "what-if", "backtest", "trace"}
SHOW_TIMES_OF_CONNECTORS = {"list", "show", "pause", "resume"}
SHOW_TIMES_OF_DEAD = {"list", "show"}
SHOW_TIMES_OF_RULES = {"show", "revisions", "history", "trial", "migrate"}


def commands_with(option: str, group: typer.Typer) -> Iterator[str]:
    command = typer.main.get_command(group)
    for name, sub in command.commands.items():  # type: ignore[attr-defined]
        if any(option in parameter.opts for parameter in sub.params):
            yield name


def test_every_command_on_a_server_takes_its_credentials() -> None:
    for group in (app, rulebook_app, connector_app, dead_app):
        on_server = set(commands_with("--target", group))
        assert on_server
        assert set(commands_with("--token", group)) == set(commands_with("--tls-ca", group)) == on_server


def test_every_command_on_a_server_but_those_of_rules_has_patience() -> None:
    for group in (app, connector_app, dead_app):
        assert set(commands_with("--patience", group)) == set(commands_with("--target", group))
    assert set(commands_with("--patience", rulebook_app)) == {"migrate"}


def test_every_command_that_shows_times_takes_a_zone() -> None:
    assert set(commands_with("--zone", app)) == SHOW_TIMES
    assert set(commands_with("--zone", rulebook_app)) == SHOW_TIMES_OF_RULES
    assert set(commands_with("--zone", connector_app)) == SHOW_TIMES_OF_CONNECTORS
    assert set(commands_with("--zone", dead_app)) == SHOW_TIMES_OF_DEAD
