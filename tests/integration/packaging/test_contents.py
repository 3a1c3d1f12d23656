"""What the wheel and the sdist hold: all of it, and nothing else."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from answerby import __version__
from tests.integration.packaging.conftest import COMMIT, TOP_LEVEL, run

INFO = f"answerby-{__version__}.dist-info"


def files(folder: Path, below: str = "") -> set[str]:
    """The files of a folder by their paths, put below another; without what a build leaves there."""
    paths = {f"{below}{path.relative_to(folder).as_posix()}" for path in folder.rglob("*") if path.is_file()}
    return {path for path in paths if "answerby/api/" not in path and "__pycache__" not in path}


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_suffix(names: Iterable[str], suffix: str) -> set[str]:
    return {name for name in names if name.endswith(suffix)}


def test_the_wheel_has_two_packages_and_all_that_lies_in_them(wheel, source):
    names = set(contents(wheel))
    protocol = [path.stem for path in (source / "proto" / "answerby" / "v1").glob("*.proto")]
    generated = {f"{name}_pb2{kind}" for name in protocol for kind in (".py", ".pyi", "_grpc.py", "_grpc.pyi")}
    assert {name.partition("/")[0] for name in names} == {"answerby", "answerby_connectors", INFO}
    assert {name for name in names if not name.startswith(INFO)} == (
        files(source / "service" / "answerby", "answerby/")
        | files(source / "connectors" / "answerby_connectors", "answerby_connectors/")
        | files(source / "proto" / "answerby", "answerby/proto/answerby/")
        | files(source / "proto" / "google", "answerby/proto/google/")
        | files(source / "rules", "answerby/shipped/rules/")
        | files(source / "service" / "docs" / "errors", "answerby/shipped/docs/errors/")
        | {f"answerby/api/v1/{name}" for name in generated}
        | {
            "answerby/api/openapi.json",
            "answerby/api/__init__.py",
            "answerby/api/v1/__init__.py",
            "answerby/revision.txt",
        }
    )


def test_the_wheel_has_every_kind_of_file_that_runs_need(wheel):
    names = set(contents(wheel))
    assert {"answerby/py.typed", "answerby_connectors/py.typed"} <= names
    ours = {name for name in with_suffix(names, ".proto") if name.startswith("answerby/proto/answerby/")}
    assert len(with_suffix(names, ".pyi")) == 2 * len(ours) > 0
    assert with_suffix(names, ".lua")
    assert with_suffix(names, "_test.yaml")
    assert not {name for name in names if "/_native/" in name or "/tests/" in name}


def test_the_packages_name_their_commit(wheel, unpacked):
    assert contents(wheel)["answerby/revision.txt"].decode().strip() == COMMIT[:12]
    assert (unpacked / "service" / "answerby" / "revision.txt").read_text().strip() == COMMIT[:12]


def test_the_sdist_is_the_source_tree(sdist, source):
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    tree = set().union(*(files(source / top, f"{top}/") if (source / top).is_dir() else {top} for top in TOP_LEVEL))
    assert names == tree | {"PKG-INFO", "service/answerby/revision.txt"}


def test_a_wheel_of_the_sdist_is_the_same(wheel, unpacked, tmp_path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=unpacked)
    (again,) = tmp_path.glob("*.whl")
    record = f"{INFO}/RECORD"  # lists the files in another order
    first, second = contents(wheel), contents(again)
    assert sorted(first.pop(record).splitlines()) == sorted(second.pop(record).splitlines())
    assert first == second
