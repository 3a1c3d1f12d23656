"""The wheel, installed in an environment without the source tree, does what the source tree does."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import mypy_extensions
import pytest

from answerby import __version__
from answerby.cli.serve.own_server import free_port
from tests.integration.packaging.conftest import COMMIT, run
from tests.kit.places import HOWTO

OPERATIONS = (HOWTO / "operations.md").read_text("utf-8")

IMPORT_ALL = """
import importlib, pkgutil, sys
import answerby, answerby_connectors

for package in (answerby, answerby_connectors):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
strangers = {"service", "connectors", "tests", "cli", "engine", "proto", "docs"} & set(sys.modules)
places = {name: module.__file__ for name, module in sys.modules.items() if name.partition(".")[0].startswith("answerby")}
outside = [name for name, file in places.items() if not file.startswith(sys.prefix)]
print(len(places) > 400, sorted(strangers), outside)
"""


def test_the_version_names_the_commit(answerby):
    line = answerby("--version").stdout
    assert line.startswith(
        f"answerby {__version__} (revision {COMMIT[:12]}; interpreted, nothing is compiled here; matcher "
    )


def test_the_page_builds_the_wheel(source, wheel, tmp_path):
    section = OPERATIONS.split("### From a wheel\n", 1)[1]
    command, name = re.findall(r"^\.venv/bin/python (.*?) +# dist/(\S+)$", section, re.MULTILINE)[0]
    run(sys.executable, *command.split(), "-d", tmp_path, cwd=source)
    assert [file.name for file in tmp_path.iterdir()] == [name] == [wheel.name]
    assert "# ... interpreted, nothing is compiled here; ..." in section


COMPILE = "from answerby.build_native import build; build(['answerby.sla.intervals'])"


def test_it_can_be_compiled_where_it_lies_beside_other_packages(python, answerby, tmp_path):
    site = Path(run(python, "-c", "import answerby; print(answerby.__path__[0])", cwd=tmp_path).stdout.strip()).parent
    # One of the packages that lie beside answerby when everything is installed in one place.
    other = site / Path(mypy_extensions.__file__).name
    shutil.copy(mypy_extensions.__file__, other)
    try:
        run(python, "-c", COMPILE, cwd=tmp_path)
        assert "; compiled; " in answerby("--version").stdout
    finally:
        other.unlink()
        shutil.rmtree(site / "answerby" / "_native", ignore_errors=True)


def test_the_shipped_rules_are_checked_and_tested(answerby):
    assert answerby("check", "--demo").stdout.rstrip().endswith("accepted")
    assert " passed, 0 failed" in answerby("test", "--demo").stdout


def test_the_pages_are_there(answerby):
    assert answerby("check", "--explain", "gap").stdout.startswith("# gap\n")
    assert answerby("check", "--explain", "all").stdout.startswith("# Diagnostics\n")


def test_the_samples_are_decided_and_delivered(python, tmp_path):
    listen = f"127.0.0.1:{free_port('127.0.0.1')}"
    shown = run(python, "-m", "answerby", "run", "--once", "--listen", listen, cwd=tmp_path).stdout
    assert "45 events decided" in shown
    assert "83 of 83 effects delivered" in shown


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with packages that have the names of folders in our source tree."""
    for name in ("service", "service/cli", "connectors", "tests", "cli", "engine", "proto", "docs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('this is the package of somebody else')\n")
    return tmp_path


def test_no_folder_beside_a_script_comes_between(python, beside):
    (beside / "script.py").write_text(IMPORT_ALL)
    assert run(python, "script.py", cwd=beside).stdout.split("\n")[-2] == "True [] []"
    assert run(python, "-m", "answerby", "--version", cwd=beside).stdout.startswith("answerby ")
    assert "accepted" in run(python, "-m", "answerby", "check", "--demo", "--no-proofs", cwd=beside).stdout


CLIENT = """
from answerby.api.v1 import resources_pb2
from answerby_connectors.kit.registry import connector_types

event = resources_pb2.Event(id=7)
reveal_type(connector_types())
"""


def test_the_types_are_seen_by_whoever_uses_the_package(python, tmp_path):
    (tmp_path / "client.py").write_text(CLIENT)
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", tmp_path / "cache")
    shown = run(*mypy, "client.py", cwd=tmp_path, check=False).stdout
    assert 'Argument "id" to "Event" has incompatible type "int"; expected "str"' in shown
    assert "Mapping[str, tuple[importlib.metadata.EntryPoint, ...]]" in shown
    assert "Found 1 error" in shown
