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
from tests.kit.processes import answerby, run

FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [DOCS / "howto" / f"connect-a-platform{language}.md" for language in ("", ".zh")]


def files(page: Path) -> dict[str, str]:
    return dict(FILE.findall(page.read_text("utf-8")))


def test_both_pages_have_the_same_files():
    assert files(PAGES[0]) == files(PAGES[1])
    assert list(files(PAGES[0])) == ["pyproject.toml", "acme_desk/connector.py", "acme_desk/stage.py", "test_acme.py"]


@pytest.mark.parametrize(
    ("name", "package", "cases"),
    [("acme", "acme_desk", ()), ("city_desk2", "city_desk2_desk", ("-k", "hostile or lost"))],
)
def test_a_new_connector_passes_its_proof(tmp_path, name, package, cases):
    told = answerby("connector", "new", name, cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    folder = tmp_path / name
    assert f"python -m pytest -q test_{name}.py" in told.stdout
    written = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*.*")}
    if name == "acme":
        assert written == files(PAGES[0]) | {"acme_desk/__init__.py": ""}
    else:
        assert not [path for path, text in written.items() if "acme" in (path + text).lower()]
    assert f'{name} = "{package}.connector:' in written["pyproject.toml"]
    path = os.pathsep.join(map(str, (folder, ROOT / "service", ROOT / "connectors")))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{name}.py", *cases],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=WHOLE_TEST,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d+ passed" if cases else r"^50 passed, 5 skipped", done.stdout, re.MULTILINE)


def test_a_new_connector_is_found_by_its_type_once_it_is_installed(tmp_path):
    assert answerby("connector", "new", "acme", cwd=tmp_path).returncode == 0
    site = tmp_path / "site"
    alone = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    installed = run([sys.executable, "-m", "pip", "install", "-q", *alone, "--target", site, tmp_path / "acme"])
    assert installed.returncode == 0, installed.stderr
    path = os.pathsep.join(map(str, (site, ROOT / "service", ROOT / "connectors")))
    code = (
        "from answerby_connectors.kit.registry import build_connector as build;"
        "desk = build('desk', 'acme', {'url': 'https://acme.example.com/api', 'key': 's'});"
        "print(desk.__module__, desk.manifest.name)"
    )
    found = run([sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})
    assert (found.stdout, found.stderr) == ("acme_desk.connector desk\n", "")


@pytest.mark.parametrize("name", ["Acme", "acme-desk", "2acme", "acme__desk", "../acme", "", "desk" * 11])
def test_what_cannot_name_a_connector_is_refused(tmp_path, name):
    told = answerby("connector", "new", name, cwd=tmp_path)
    assert (told.returncode, told.stdout) == (2, "")
    assert "cannot name a connector" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_type_that_is_installed_is_refused(tmp_path):
    told = answerby("connector", "new", "redmine", cwd=tmp_path)
    assert told.returncode == 2
    assert "type 'redmine' is installed already" in told.stderr


def test_no_file_is_overwritten(tmp_path):
    (tmp_path / "test_acme.py").write_text("mine", "utf-8")
    told = answerby("connector", "new", "acme", "--folder", ".", cwd=tmp_path)
    assert told.returncode == 2
    assert "test_acme.py is there already" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["test_acme.py"]


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
