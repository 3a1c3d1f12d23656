"""Copies of the last good rules on this machine, for a lost store and a broken folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from answerby.server.base.config import Config
from answerby.server.base.logs import Logger
from answerby.server.base.loops import pause
from answerby.server.live.rule_files import lay_out, read_rule_files
from answerby.server.live.rulebooks import RulebookHolder

POINTER = "last-good"
KEPT = 5
LOOK_SECONDS = 1.0


def copies_folder(config: Config) -> Path:
    """The folder of the copies of a server."""
    return config.store.data_folder / "rulebooks"


class Snapshots:
    """Copies of revisions: one sub-folder for each, and a file with the name of the last good one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, revision: str, files: Mapping[str, bytes]) -> None:
        """Keeps the files as the last good ones. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / _name(revision)
        if not target.is_dir():
            self._write(files, target)
        self._point_to(target.name)
        self._forget_old()

    def last_good(self) -> Mapping[str, bytes] | None:
        """Content by path of the last good copy; None without a readable copy."""
        target = self._last()
        if target is None:
            return None
        files = read_rule_files(target)
        return None if files.trouble else files.content

    def _last(self) -> Path | None:
        try:
            target = self._folder / (self._folder / POINTER).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return target if target.is_dir() else None

    def _write(self, files: Mapping[str, bytes], target: Path) -> None:
        scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            lay_out(files, scratch)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _point_to(self, name: str) -> None:
        descriptor, scratch = tempfile.mkstemp(prefix=".pointer-", dir=self._folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(name)
        Path(scratch).replace(self._folder / POINTER)

    def _forget_old(self) -> None:
        copies = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        copies.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        current = self._last()
        for path in copies[KEPT:]:
            if path != current:
                shutil.rmtree(path, ignore_errors=True)


async def keep_copies(snapshots: Snapshots, rulebooks: RulebookHolder, stopping: asyncio.Event, logger: Logger) -> None:
    """Saves each live revision until `stopping` is set. One worker of a machine runs this task."""
    last_revision = ""
    while True:
        current = rulebooks.current
        if current is not None and current.revision != last_revision:
            last_revision = current.revision
            try:
                await asyncio.to_thread(snapshots.save, current.revision, current.files)
            except OSError as error:
                logger.warning("rules not kept", revision=current.revision, exc_info=error)
        if stopping.is_set():
            return
        await pause(stopping, LOOK_SECONDS)


def _name(revision: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in revision)
