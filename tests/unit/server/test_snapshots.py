"""Copies of good rule folders."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.server.snapshots import KEPT, Snapshots


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.yaml").write_text("a", "utf-8")
    (folder / "sub" / "b.yaml").write_text("b", "utf-8")
    return folder


def rulebook(folder: Path, revision: str) -> Any:
    files = [
        SimpleNamespace(path=path.relative_to(folder).as_posix(), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*.yaml")
    ]
    return SimpleNamespace(revision=revision, files=files)


def test_the_last_good_folder_is_found_again(tmp_path, rules):
    snapshots = Snapshots(tmp_path / "kept")
    assert snapshots.last_good() is None
    assert snapshots.save(rules, rulebook(rules, "r-1"))
    (rules / "sub" / "b.yaml").write_text("changed", "utf-8")
    assert (snapshots.last_good() / "sub" / "b.yaml").read_text("utf-8") == "b"
    assert snapshots.save(rules, rulebook(rules, "r-2"))
    assert (snapshots.last_good() / "sub" / "b.yaml").read_text("utf-8") == "changed"


def test_files_that_changed_since_they_were_loaded_are_not_kept(tmp_path, rules):
    snapshots = Snapshots(tmp_path / "kept")
    book = rulebook(rules, "r-1")
    (rules / "a.yaml").write_text("other", "utf-8")
    assert not snapshots.save(rules, book)
    assert snapshots.last_good() is None


def test_old_copies_go(tmp_path, rules):
    snapshots = Snapshots(tmp_path / "kept")
    for number in range(KEPT + 3):
        snapshots.save(rules, rulebook(rules, f"r-{number}"))
    copies = [path for path in (tmp_path / "kept").iterdir() if path.is_dir()]
    assert len(copies) == KEPT
    assert snapshots.last_good().name == f"r-{KEPT + 2}"
