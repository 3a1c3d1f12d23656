"""The data folder: one server at a time, and a watch that notices when the folder or the data in it is gone."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

from answerby.domain.errors import StoreUnavailable

AOF_FOLDER = "appendonlydir"
_MANIFEST = "appendonly.aof.manifest"
_HISTORY = "h"
"""The type of files in the manifest that the server is about to delete."""


class DataFolder:
    """A folder held by this process, from `hold` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._locks: list[IO[str]] = []
        self._seen: dict[Path, tuple[int, int]] = {}
        """Device and inode of the folders when the data was last known to be there."""

    @property
    def held(self) -> bool:
        return bool(self._locks)

    def hold(self) -> None:
        """Makes the folder if needed and takes its locks. Raises StoreUnavailable.

        One lock lies in the folder. The other lies outside, by the name of the folder. It holds off a second server
        when the folder was deleted or moved away under the first.
        """
        if self.held:
            return
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"cannot use the data folder {self.path}: {error}") from error
        try:
            for file in (self.path / "lock", _lock_outside(self.path)):
                self._locks.append(self._locked(file))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        for lock in self._locks:
            lock.close()
        self._locks = []
        self._seen = {}

    def remember(self) -> None:
        """Notes that the data is there. `problem` compares with this moment."""
        self._seen = {path: _identity(path) for path in (self.path, self.path / AOF_FOLDER)}

    def problem(self) -> str:
        """What is wrong with the data that was there; empty when all is well. Takes some 20 microseconds."""
        try:
            for path, identity in self._seen.items():
                if _identity(path) != identity:
                    return f"{path} was replaced by another folder"
            if self._seen:
                self._look_at_files()
        except OSError as error:
            return f"{error.filename} cannot be read: {error.strerror}"
        return ""

    def _look_at_files(self) -> None:
        """Raises OSError for a data file that is not there. The server itself deletes files that it has rewritten."""
        names = self._data_files()
        while True:
            try:
                for name in names:
                    (self.path / AOF_FOLDER / name).stat()
            except FileNotFoundError:
                before, names = names, self._data_files()
                if names == before:
                    raise
            else:
                return

    def _data_files(self) -> list[str]:
        """The files that the server would load, as its manifest names them."""
        lines = (self.path / AOF_FOLDER / _MANIFEST).read_text("utf-8").splitlines()
        words = [line.split() for line in lines if line.startswith("file ")]
        return [word[1] for word in words if word[word.index("type") + 1] != _HISTORY]

    def _locked(self, file: Path) -> IO[str]:
        try:
            lock = file.open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(f"cannot write in the data folder {self.path}: {error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise StoreUnavailable(
                f"{self.path} is in use by answerby process {holder}; stop it, or choose another data folder"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _lock_outside(path: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"answerby-{os.getuid()}-{digest}.lock"
