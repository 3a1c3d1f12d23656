"""The tutorial, step by step in an empty folder: every file, every command, every output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.integration.docs.shell import alike, shell, steps
from tests.kit.places import DOCS
from tests.kit.processes import free_address

PAGE = DOCS / "tutorial" / "first-decision.md"
CHINESE = DOCS / "tutorial" / "first-decision.zh.md"


@pytest.fixture
def environment() -> dict[str, str]:
    """The commands of this environment; a port of the test's own, as tests run side by side."""
    address = free_address()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "ANSWERBY_SERVER__LISTEN": address,
        "ANSWERBY_TARGET": address,
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
    }


def test_every_step_says_what_the_page_says(tmp_path: Path, environment: dict[str, str]) -> None:
    followed = list(steps(PAGE.read_text("utf-8")))
    assert len([step for step in followed if step.command]) > 10

    with shell(tmp_path, environment) as typed:
        for step in followed:
            output = typed.follow(step)
            assert alike(output) == alike(step.output), step.command


def test_both_languages_show_the_same_steps() -> None:
    assert list(steps(CHINESE.read_text("utf-8"))) == list(steps(PAGE.read_text("utf-8")))
