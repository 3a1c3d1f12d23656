"""The pages about webhooks and HTTP, step by step in an empty folder: every file, every command, every output."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from answerby_connectors.kit.registry import connector_types
from tests.integration.docs.shell import alike, shell, steps
from tests.kit.places import DOCS
from tests.kit.processes import free_address

PAGES = ["receive-webhooks-from-anything", "use-over-http"]
ADDRESS = "127.0.0.1:8080"
"""The address of the HTTP port on the pages. The test takes one of its own, as tests run side by side."""
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, ("curl", "openssl"))), reason="the pages use curl and openssl"),
    pytest.mark.skipif("generic" not in connector_types(), reason="answerby was installed before it had `generic`"),
]


@pytest.mark.parametrize("name", PAGES)
def test_every_step_says_what_the_page_says(name: str, tmp_path: Path) -> None:
    address, http = free_address(), free_address()
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "ANSWERBY_SERVER__LISTEN": address,
        "ANSWERBY_TARGET": address,
        "ANSWERBY_METRICS__LISTEN": "127.0.0.1:0",
    }
    page = (DOCS / "howto" / f"{name}.md").read_text("utf-8")
    assert ADDRESS in page
    followed = list(steps(page.replace(ADDRESS, http)))
    assert len([step for step in followed if step.command]) > 5

    with shell(tmp_path, environment) as typed:
        for step in followed:
            output = typed.follow(step)
            assert alike(output) == alike(step.output), step.command


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_show_the_same_steps(name: str) -> None:
    pages = [(DOCS / "howto" / f"{name}{ending}").read_text("utf-8") for ending in (".md", ".zh.md")]
    assert list(steps(pages[0])) == list(steps(pages[1]))
