"""Copies of good rule folders, so that a worker started while the folder is broken still has the last good one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from service.rules.model import Rulebook

POINTER = "last-good"
KEPT = 5


class Snapshots:
    """One sub-folder per revision, and a file that names the last good one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, rules: Path, rulebook: Rulebook) -> bool:
        """Copies the files of a rulebook just loaded. False when they have changed since. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / _name(rulebook.revision)
        if not target.is_dir() and not self._copy(rules, rulebook, target):
            return False
        self._point_to(target.name)
        self._forget_old()
        return True

    def last_good(self) -> Path | None:
        """The folder of the last good rulebook; None when none was kept."""
        try:
            target = self._folder / (self._folder / POINTER).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return target if target.is_dir() else None

    def _copy(self, rules: Path, rulebook: Rulebook, target: Path) -> bool:
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            for file in rulebook.files:
                content = (rules / file.path).read_bytes()
                if hashlib.sha256(content).hexdigest() != file.sha256:
                    return False
                copy = scratch / file.path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
            try:
                scratch.rename(target)
            except OSError:
                # Another worker was first; its copy is the same, for the name is the content's hash.
                return target.is_dir()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return True

    def _point_to(self, name: str) -> None:
        descriptor, scratch = tempfile.mkstemp(prefix=".pointer-", dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(name)
        Path(scratch).replace(self._folder / POINTER)

    def _forget_old(self) -> None:
        kept = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        kept.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        current = self.last_good()
        for path in kept[KEPT:]:
            if path != current:
                shutil.rmtree(path, ignore_errors=True)


def _name(revision: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in revision)
