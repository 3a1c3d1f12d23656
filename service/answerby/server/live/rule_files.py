"""The files of a rules folder at one moment, as the content of a revision, and the detection of changes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from answerby.domain.errors import FieldViolation, InvalidInput
from answerby.rules.text.rule_paths import SUFFIXES, has_suffix, is_attachment, walk_files
from answerby.store.rulebooks.revision_records import FolderName

FILE_BYTES = 1 << 20
TOTAL_BYTES = 16 << 20
MAX_FILES = 5_000
READ_ATTEMPTS = 20

Stamp = tuple[tuple[str, int, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class RuleFiles:
    """Files of a revision. `content` is by path with `/`. `trouble` is the reason for missing files; empty for none."""

    content: Mapping[str, bytes]
    folder: FolderName | None = None
    """Folder of the files; None for uploaded files."""
    trouble: str = ""

    @property
    def digest(self) -> str:
        """Digest of the names and contents. The layout on the disk does not count."""
        sums = sorted((path, hashlib.sha256(content).hexdigest()) for path, content in self.content.items())
        text = "\n".join(f"{checksum} {path}" for path, checksum in sums)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


class RulesFolder:
    """The rules folder of a server. `path` is None for a server without one."""

    def __init__(self, path: Path | None, machine: str) -> None:
        self._path = path
        self.name = FolderName(machine, str(path.resolve()) if path is not None else "")

    @property
    def given(self) -> bool:
        """Whether the server has a folder."""
        return self._path is not None

    async def read(self) -> RuleFiles:
        """The current files."""
        if self._path is None:
            return RuleFiles({}, self.name, "this server has no rules folder; set rules.folder")
        return await asyncio.to_thread(read_rule_files, self._path, self.name)

    async def stamp(self) -> Stamp | None:
        """Stamp that changes with any of the files; None for a folder that cannot be listed."""
        return await asyncio.to_thread(stamp_of, self._path) if self._path is not None else None


def stamp_of(folder: Path) -> Stamp | None:
    """Names, times, sizes and inodes, which change with any of the files. None for a folder that cannot be listed.

    The stamp follows symbolic links, so a new target of a link is a change.
    """
    entries = []
    try:
        for path in _walk(folder):
            about = path.stat()
            entries.append((str(path), about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino))
    except OSError:
        return None
    return tuple(sorted(entries))


def read_rule_files(folder: Path, name: FolderName | None = None) -> RuleFiles:
    """All files of one moment. A change during the read causes a new read. The content of the folder never raises."""
    trouble = ""
    for _ in range(READ_ATTEMPTS):
        before = stamp_of(folder)
        try:
            content = _read(folder)
        except OSError as error:
            trouble = f"{error.filename or folder}: {error.strerror}"
        except ValueError as error:
            return RuleFiles({}, name, str(error))
        else:
            if before is not None and before == stamp_of(folder):
                return RuleFiles(content, name)
            trouble = "the files change while they are read; reload again when they are all written"
    return RuleFiles({}, name, trouble)


def uploaded(content: Mapping[str, bytes]) -> RuleFiles:
    """Files from a call. Raises InvalidInput for names that no rules folder can have, and for too much content."""
    violations = [
        FieldViolation(f"files[{number}].path", problem)
        for number, (path, data) in enumerate(content.items())
        if (problem := _problem(path, data))
    ]
    if not content:
        violations.append(FieldViolation("files", "is empty; send every rule file and rule test"))
    if len(content) > MAX_FILES or sum(map(len, content.values())) > TOTAL_BYTES:
        violations.append(FieldViolation("files", f"are more than {MAX_FILES} or larger than {TOTAL_BYTES >> 20} MiB"))
    if violations:
        raise InvalidInput(violations)
    return RuleFiles(dict(content))


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the files below a folder, which is created if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _problem(path: str, data: bytes) -> str:
    parts = path.split("/")
    if not has_suffix(path, *SUFFIXES):
        return f"{path!r} is no rule file; their names end with {', '.join(SUFFIXES)}"
    if len(path) > 500 or "\\" in path or not path.isprintable() or any(p in {"", "..", "."} for p in parts):
        return f"{path!r} is no path within a folder; write it like priority/matrix.yaml"
    if len(data) > FILE_BYTES:
        return f"{path!r} is larger than {FILE_BYTES >> 20} MiB; split it"
    return ""


def _walk(folder: Path) -> Iterator[Path]:
    def unlisted(error: OSError) -> None:
        raise error

    return (path for path in walk_files(folder, unlisted) if has_suffix(path.name, *SUFFIXES))


def _read(folder: Path) -> dict[str, bytes]:
    """Content by path. Raises OSError for unreadable files and ValueError for files that no revision can hold."""
    content: dict[str, bytes] = {}
    total = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{os.fsencode(name)!r}: the file name is not UTF-8; rename it") from error
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{name}: is not an ordinary file")
        if is_attachment(name) and not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{name}: is a link out of the rule folder; put a copy of the file here")
        with path.open("rb") as stream:
            content[name] = stream.read(FILE_BYTES + 1)
        total += len(content[name])
        if len(content[name]) > FILE_BYTES:
            raise ValueError(f"{name}: is larger than {FILE_BYTES >> 20} MiB; split it")
        if total > TOTAL_BYTES or len(content) > MAX_FILES:
            raise ValueError(
                f"the folder holds more than {MAX_FILES} files or {TOTAL_BYTES >> 20} MiB; is it the right one?"
            )
    return content
