"""The files of the howto are a connector that passes its proof, as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.patience import WHOLE_TEST
from tests.kit.places import DOCS, ROOT

FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [DOCS / "howto" / f"connect-a-platform{language}.md" for language in ("", ".zh")]


def files(page: Path) -> dict[str, str]:
    return dict(FILE.findall(page.read_text("utf-8")))


def test_both_pages_have_the_same_files():
    assert files(PAGES[0]) == files(PAGES[1])
    assert list(files(PAGES[0])) == ["pyproject.toml", "acme_desk/connector.py", "acme_desk/stage.py", "test_acme.py"]


def test_the_connector_passes_its_proof(tmp_path):
    (tmp_path / "acme_desk").mkdir()
    (tmp_path / "acme_desk" / "__init__.py").touch()
    for name, text in files(PAGES[0]).items():
        (tmp_path / name).write_text(text, "utf-8")
    path = os.pathsep.join(map(str, (tmp_path, ROOT / "service", ROOT / "connectors")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=WHOLE_TEST,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^50 passed, 5 skipped", done.stdout, re.MULTILINE)


def test_the_lines_that_the_page_promises():
    """About 80 of the connector's own, and those of redmine."""
    assert len(files(PAGES[0])["acme_desk/connector.py"].splitlines()) <= 85
    redmine = ROOT / "connectors" / "answerby_connectors" / "redmine" / "connector.py"
    lines = len(redmine.read_text("utf-8").splitlines())
    assert all(re.search(rf"(?:in | ){lines} (?:lines|行)", page.read_text("utf-8")) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_that_the_page_lists_are_all(page):
    from answerby_connectors.kit.polled import PolledSettings

    part = page.read_text("utf-8").split("\n## ")[6]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(PolledSettings.model_fields)
