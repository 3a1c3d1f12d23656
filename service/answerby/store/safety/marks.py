"""Marks: what callers were told, in files beside the store, so that a store that has lost some of it is found out.

Each worker has two files of its own, reads those of the others, and takes over those of workers that have ended. One
names the newest entry of each tenant's decision log that callers have heard of. It is written before they hear, and
synced every second. The other one names for each prefix of request numbers a serial that no number exceeds. It is
synced before a number exceeds it. So numbers are safe also when power is lost. At most the last second of
acknowledgements is not looked for then.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import msgspec

NEWEST, NUMBERS = ".newest.json", ".numbers.json"
AHEAD = 100
"""The serials that are marked at once. As many numbers at most are left out after a loss."""
SYNC_SECONDS = 1.0


class Newest(msgspec.Struct, frozen=True):
    """The newest entry of a decision log."""

    sequence: int
    entry: str
    """The id in the stream."""


class Given(NamedTuple):
    """What a caller is about to hear. `newest` is None for what is no decision."""

    tenant: str
    number: str
    newest: Newest | None = None


class Known(msgspec.Struct):
    """What one worker knows of one store."""

    store: str = ""
    """The id of the store."""
    newest: dict[str, Newest] = {}
    """By tenant."""
    serials: dict[str, dict[str, int]] = {}
    """By tenant and prefix: no serial above was given."""


class Marks:
    """The files of one worker in `folder`. The other files there are of workers that serve from the same store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        name = f"{os.getpid()}-{uuid4().hex[:8]}"
        self._paths = {suffix: folder / f"{name}{suffix}" for suffix in (NEWEST, NUMBERS)}
        self._own = Known()
        self._synced = 0.0
        self._writing = asyncio.Lock()

    def known(self) -> tuple[list[Known], bool]:
        """What this worker and the files know, and whether a file cannot be read, as after a loss of power."""
        found, broken = [self._own], False
        for suffix in (NEWEST, NUMBERS):
            for path in sorted(self._folder.glob(f"*{suffix}")):
                try:
                    found.append(msgspec.json.decode(path.read_bytes(), type=Known))
                except FileNotFoundError:
                    continue
                except msgspec.DecodeError:
                    broken = True
        return found, broken

    def adopt(self, known: Known, *, alone: bool) -> None:
        """Goes on from here. `alone`: what the other files say is no longer so. Raises OSError."""
        self._own = known
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix in (NEWEST, NUMBERS):
            self._write(suffix, sync=True)
        for suffix, own in self._paths.items():
            for path in self._folder.glob(f"*{suffix}"):
                if path != own and (alone or (not _runs(path) and _is_about(path, known.store))):
                    path.unlink(missing_ok=True)

    async def note(self, given: Sequence[Given]) -> None:
        """Writes down what callers are about to hear. Raises OSError."""
        async with self._writing:
            exceeded = [one for one in given if self._exceeds(one)]
            told = [one for one in given if one.newest is not None and self._is_newer(one.tenant, one.newest)]
            if exceeded:
                await asyncio.to_thread(self._write, NUMBERS, sync=True)
            if told:
                due = time.monotonic() - self._synced > SYNC_SECONDS
                if due:
                    self._synced = time.monotonic()
                    await asyncio.to_thread(self._write, NEWEST, sync=True)
                else:
                    self._write(NEWEST, sync=False)

    def _exceeds(self, given: Given) -> bool:
        """Whether the number is beyond the mark, which is then raised."""
        prefix, serial = parsed(given.number)
        serials = self._own.serials.setdefault(given.tenant, {})
        if serial <= serials.get(prefix, 0):
            return False
        serials[prefix] = serial + AHEAD
        return True

    def _is_newer(self, tenant: str, newest: Newest) -> bool:
        before = self._own.newest.get(tenant)
        if before is not None and newest.sequence <= before.sequence:
            return False
        self._own.newest[tenant] = newest
        return True

    def _write(self, suffix: str, *, sync: bool) -> None:
        """Replaces the file in one step."""
        own = self._own
        if suffix == NEWEST:
            content = Known(store=own.store, newest=own.newest)
        else:
            content = Known(store=own.store, serials=own.serials)
        path = self._paths[suffix]
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            if sync:
                os.fsync(file.fileno())
        draft.replace(path)


def _is_about(path: Path, store: str) -> bool:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Known).store == store
    except (FileNotFoundError, msgspec.DecodeError):
        return False


def _runs(path: Path) -> bool:
    """Whether the process that the file belongs to still runs, as far as this machine knows."""
    pid = path.name.partition("-")[0]
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def parsed(number: str) -> tuple[str, int]:
    """Prefix and serial of a request number, such as 202310-CSR and 1. Serial 0 for none."""
    prefix, _, serial = number.rpartition("-")
    return (prefix, int(serial)) if serial.isdecimal() else ("", 0)
