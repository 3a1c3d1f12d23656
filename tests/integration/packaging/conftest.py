"""The packages, built as a release is, and an environment with the wheel and without the source tree. Needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.places import ROOT

COMMIT = "5ae7e48f3c1a00112233445566778899aabbccdd"
TOP_LEVEL = (
    ".ci",
    ".gitignore",
    ".lock",
    "LICENSE",
    "Makefile",
    "README.md",
    "connectors",
    "proto",
    "pyproject.toml",
    "rules",
    "service",
    "tests",
)
MADE = shutil.ignore_patterns("__pycache__", "_native", ".*_cache")

Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*command: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs a command that sees neither this source tree nor a setting of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSWERBY_", "PYTHON", "REDIS_"))}
    kept["ANSWERBY_METRICS__LISTEN"] = ""  # another test may hold the port
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=kept, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree at a known commit, so that building changes nothing that other tests run from."""
    folder = tmp_path_factory.mktemp("source") / "answerby"
    for name in TOP_LEVEL:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=MADE)
        else:
            shutil.copy(place, folder / name)
    shutil.rmtree(folder / "service" / "answerby" / "api")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text(f"{COMMIT}\n")
    return folder


@pytest.fixture(scope="session")
def packages(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("packages")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=source)
    return folder


@pytest.fixture(scope="session")
def wheel(packages: Path) -> Path:
    (found,) = packages.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(packages: Path) -> Path:
    (found,) = packages.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree out of the sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, installed by pip. Dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, symlinks=True)
    interpreter = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    # As plain folders on the path: the editable install of the source tree, a file in them, is not followed.
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("".join(f"{place}\n" for place in sorted(here)))
    install(interpreter, wheel)
    return interpreter


def install(interpreter: Path, package: Path, *options: str) -> None:
    """As `pip install` does, into the environment of the interpreter."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", interpreter)
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", *options, package, cwd=package.parent)


@pytest.fixture
def answerby(python: Path, tmp_path: Path) -> Run:
    """Runs the installed command in a folder of its own, which is empty."""
    empty = tmp_path / "empty"
    empty.mkdir()
    return lambda *words, check=True: run(python.parent / "answerby", *words, cwd=empty, check=check)
