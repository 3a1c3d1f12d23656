"""What the pages name is there: paths of the tree, modules and their names, targets of make, commands and their options."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from answerby.cli.main import app
from tests.kit.places import DOCS, ROOT

PAGES = [*(ROOT / place / "README.md" for place in ("", "rules", "connectors")), *sorted(DOCS.rglob("*.md"))]
LIVING = [page for page in PAGES if page != DOCS / "changelog.md"]
PATH = re.compile(r"`((?:proto|service|connectors|tests|rules/(?:schema|mappings|samples|examples))/[\w./*-]*)`")
DOTTED = re.compile(r"`((?:answerby|answerby_connectors)(?:\.\w+)+)(?:\(\))?`")
ON_THE_WIRE = ("answerby.v1", "answerby.toml", "answerby.rulebook", "answerby.api.v1", "answerby.connectors")
"""Names with dots that are no modules of the source tree."""
ANSWERBY = typer.main.get_command(app)
TARGET = re.compile(r"(?:`|^    )make ([a-z][\w-]*)", re.MULTILINE)
COMMAND = re.compile(r"(?:^    (?:\.venv/bin/)?|`(?:\.venv/bin/)?|- run: )(answerby [a-z][^`\n]*)", re.MULTILINE)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(params=LIVING, ids=name)
def text(request: pytest.FixtureRequest) -> str:
    return request.param.read_text("utf-8")


def test_every_path_is_there(text: str) -> None:
    for path in PATH.findall(text):
        assert list(ROOT.glob(path.rstrip("/"))) or path.startswith(
            ("service/answerby/api", "service/answerby/_native")
        )


def test_every_module_and_name_is_there(text: str) -> None:
    for dotted in DOTTED.findall(text):
        if not dotted.startswith(ON_THE_WIRE):
            assert resolved(dotted), dotted


def resolved(dotted: str) -> bool:
    """Whether the longest module of the dotted name has the attributes that follow it."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


def test_every_target_of_make_is_there(text: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))

    assert set(TARGET.findall(text)) <= targets


def test_every_command_and_option_is_there(text: str) -> None:
    for line in COMMAND.findall(text):
        command, words = command_of(line.removesuffix("\\").split("#")[0])
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        used = {word.split("=")[0] for word in words if word.startswith("--")} - {"--help"}
        assert used <= options, line


def command_of(line: str) -> tuple[Any, list[str]]:
    """The command that a line calls, and the words after it."""
    words = list(pieces(line))[1:]
    command: Any = ANSWERBY
    while hasattr(command, "commands"):
        word = words.pop(0)
        assert word in command.commands, line
        command = command.commands[word]
    return command, words


def pieces(line: str) -> Iterator[str]:
    """The words of a line up to a pipe or another command; brackets of a synopsis are no words."""
    for word in shlex.split(line.replace("[", " ").replace("]", " ").replace("(", " ").replace(")", " "), posix=False):
        if word in {"|", "&&", ">", "->", ";"}:
            return
        yield word
