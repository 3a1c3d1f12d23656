"""What the how-tos and the shipped mappings say is what the code takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerby.cli.replay.mapping import load_mapping
from answerby.server.base.config import reference
from tests.kit.places import ROOT

MAPPINGS = sorted((ROOT / "rules" / "mappings").glob("*.yaml"))


@pytest.mark.parametrize(("key", "_default", "meaning"), reference())
def test_every_configuration_key_is_documented(key: str, _default: str, meaning: str) -> None:
    lines = (ROOT / "service" / "docs" / "howto" / "configuration.md").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith(f"| `{key}` |") and line.endswith(f"| {meaning} |")]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda path: path.name)
def test_every_mapping_that_ships_is_valid(mapping: Path) -> None:
    assert load_mapping(mapping).events


def test_mappings_ship() -> None:
    assert {path.stem for path in MAPPINGS} >= {"boston311", "citizen_messages_zh", "helpdesk_export"}
