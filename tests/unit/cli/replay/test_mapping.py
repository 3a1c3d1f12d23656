"""Mapping files: what they may say, and how mistakes in them are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from answerby.cli.fail import CommandFailed
from answerby.cli.replay.mapping import load_mapping
from tests.kit.places import HOWTO, RULES

PAGE = HOWTO / "replay.md"
SHIPPED = sorted((RULES / "mappings").glob("*.yaml"))

GOOD = """
mapping: tickets
request_id: ticket
events:
  - {type: request.received, time: opened}
"""


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_the_example_of_the_howto_is_a_mapping(tmp_path: Path) -> None:
    example = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]

    load(tmp_path, example)


@pytest.mark.parametrize("mapping", SHIPPED, ids=lambda path: path.name)
def test_every_mapping_that_ships_is_valid(mapping: Path) -> None:
    assert load_mapping(mapping).events


def test_mappings_ship() -> None:
    assert {path.stem for path in SHIPPED} >= {"boston311", "citizen_messages_zh", "helpdesk_export"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("sourc: x\n", "sourc: unknown key"),
        ("timezone: Mars/Olympus\n", "no IANA time zone"),
        ("encoding: utf-99\n", "not known"),
        ("order: random\n", "order"),
        ("facts: {channel: {column: a, value: b}}\n", "exactly one of column, template and value"),
        ("facts: {channel: {}}\n", "exactly one of column, template and value"),
        ("facts: {n: {column: a, type: number}}\n", "facts.n.type"),
        ("expect: {clocks.x.due: {column: a, within: soon}}\n", "write a duration such as 90s"),
        ("skip: [{state: {equals: x}}]\n", "skip.0.state.equals: unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, change: str, told: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        load(tmp_path, GOOD + change)

    assert told in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("mapping: a\nmapping: b\n", "map.yaml:2:1"),
        ("mapping: [\n", "map.yaml:2:1"),
        ("mapping: a\nnulls: [no]\n", "map.yaml:2:9"),
    ],
)
def test_a_file_that_is_no_clean_yaml_is_told_by_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        load(tmp_path, text)

    assert told in caught.value.message


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_mapping(tmp_path / "none.yaml")
