"""What the pages on operating connectors promise of the configuration and the commands."""

from __future__ import annotations

import re
import tomllib

import pytest

from answerby.server.base.config import Config
from answerby.server.flow.delivering.standings import ConnectorState
from tests.kit.commands import invoke
from tests.kit.places import ROOT

PAGES = [ROOT / "service/docs/howto" / name for name in ("operate-connectors.md", "operate-connectors.zh.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_configuration_is_valid_and_every_state_is_explained(page) -> None:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        (connector,) = Config.model_validate(tomllib.loads(block)).connectors
        assert (connector.delivery.concurrency, connector.delivery.per_minute) == (4, 100)
    assert set(re.findall(r"^\| (\w+) \|", text, re.MULTILINE)[1:]) == {*ConnectorState}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page) -> None:
    found = re.findall(r"answerby (connector|dead) (\w+)", page.read_text(encoding="utf-8"))
    assert {group for group, _ in found} == {"connector", "dead"}
    for group, name in sorted(set(found)):
        assert invoke(group, name, "--help").exit_code == 0
