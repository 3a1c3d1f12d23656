"""Which rules folder a command takes: the one it is given, or one that it finds. Never a guess."""

from __future__ import annotations

import pytest
import typer

from answerby.cli.rules_folder import demo_rules, found_rules, rules_of
from answerby.cli.serve.configuration import configured, options
from answerby.server.base.config import InvalidConfig


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder without rules."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("ANSWERBY_RULES__FOLDER", "ANSWERBY_RULES__DEMO"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def config(tmp_path):
    """A configuration file in another folder, without rules beside it."""
    file = tmp_path / "etc" / "answerby.toml"
    file.parent.mkdir()
    file.write_text("")
    return file


def test_a_command_without_rules_fails_and_says_what_to_do(here, capsys):
    with pytest.raises(typer.Exit) as caught:
        rules_of(None, demo=False, status=2)
    assert caught.value.exit_code == 2
    assert "--demo" in capsys.readouterr().err


def test_a_command_takes_the_rules_here_or_those_it_is_given(here, tmp_path):
    (here / "rules").mkdir()
    assert rules_of(None, demo=False).resolve() == here / "rules"
    assert rules_of(tmp_path, demo=False) == tmp_path
    assert rules_of(None, demo=True) == demo_rules()
    with pytest.raises(typer.Exit):
        rules_of(tmp_path, demo=True)


def test_a_server_finds_rules_beside_its_configuration_first(here, config):
    assert configured(config, {}).rules.folder is None
    (here / "rules").mkdir()
    assert configured(config, {}).rules.folder.resolve() == here / "rules"
    (config.parent / "rules").mkdir()
    assert configured(config, {}).rules.folder == config.parent / "rules"
    assert found_rules(config) == config.parent / "rules"
    config.write_text('[rules]\nfolder = "elsewhere"\n')
    assert str(configured(config, {}).rules.folder) == "elsewhere"


def test_the_demo_rules_come_only_when_asked_for(here, config):
    assert configured(config, options(demo=True)).rules == configured(config, {}, demo_if_none=True).rules
    asked = configured(config, options(demo=True)).rules
    assert (asked.folder, asked.demo) == (demo_rules(), True)
    (here / "rules").mkdir()
    assert configured(config, {}, demo_if_none=True).rules.demo is False
    assert configured(config, options(demo=True)).rules.demo is True
    with pytest.raises(InvalidConfig, match="demo"):
        configured(config, options(demo=True, rules=here))
