"""The `file` connector: one JSON line per effect, appended to a file. Several processes may share the file.

Settings:
    path    the file; the connector creates the file (mode 0600) and the folders above.
    fsync   whether a line must be on the disk before the effect counts as delivered; default true.

Every effect is written exactly once, also when a worker dies at any point. An attempt after an unknown outcome first
looks for the effect id in the file. A worker that was frozen for longer than its lease writes nothing: it asks for the
lease under the lock of the file, so nobody else writes between the question and the line. The next writer removes a
line that a crash cut short, or ends the line when only its newline is missing. A removed line was not delivered, so the
effect is written again. The promise covers one file: rotate the file only while no effect is pending.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson
from pydantic import Field

from answerby.domain.effect import EffectKind
from answerby_connectors.kit.base import (
    DONE,
    LEASE_OVER,
    Delivery,
    Guarantee,
    Manifest,
    Outcome,
    OutcomeKind,
    Settings,
    parse_settings,
)

BLOCK = 64 * 1024


class FileSettings(Settings):
    path: Path
    fsync: bool = Field(True, description="Wait for the disk before a line counts as delivered.")


class FileConnector:
    """Appends effects to a file."""

    def __init__(self, name: str, settings: Mapping[str, object]) -> None:
        self._settings = parse_settings(FileSettings, name, settings)
        self.manifest = Manifest(
            name=name,
            effects=frozenset(EffectKind),
            guarantee=Guarantee.EXACTLY_ONCE,
            inbound=False,
            description="Appends one JSON line per effect to a file.",
        )

    async def deliver(self, delivery: Delivery) -> Outcome:
        return await asyncio.to_thread(self._deliver, delivery)

    async def close(self) -> None:
        return None

    def _deliver(self, delivery: Delivery) -> Outcome:
        try:
            with self._locked() as descriptor:
                mend(descriptor)
                if delivery.previous_unknown and contains(descriptor, delivery.effect_id):
                    return Outcome(OutcomeKind.DONE, "the line is there already")
                if not delivery.leased():
                    return LEASE_OVER
                append(descriptor, line_of(delivery))
                if self._settings.fsync:
                    os.fsync(descriptor)
        except OSError as error:
            return Outcome(OutcomeKind.UNKNOWN, f"cannot write: {error.strerror}")
        return DONE

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, opened for this process alone. Readers need no lock: all lines are whole, except after a crash."""
        path = self._settings.path
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)


def line_of(delivery: Delivery) -> bytes:
    """The line, with the effect id first. `contains` looks only at the start of each line."""
    effect = delivery.effect
    record = {
        "effect_id": delivery.effect_id,
        "tenant": delivery.tenant,
        "request_id": delivery.request_id,
        "number": delivery.number,
        "sequence": delivery.sequence,
        "source": delivery.source,
        "kind": effect.kind,
        "key": effect.key,
        "role": effect.role,
        "urgent": effect.urgent,
        "created": delivery.created,
        "payload": effect.payload,
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def append(descriptor: int, line: bytes) -> None:
    """Writes the whole line or no byte. Raises OSError."""
    size = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, line)
        while written < len(line):
            written += os.write(descriptor, line[written:])
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def contains(descriptor: int, effect_id: str) -> bool:
    """Whether a line of this effect is in the file."""
    start = b'{"effect_id":' + orjson.dumps(effect_id) + b","
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return any(line.startswith(start) for line in file)


def mend(descriptor: int) -> None:
    """Ends or removes a last line without its newline. A crash in the middle of a write leaves such a line."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    start = last_line(descriptor, size)
    try:
        orjson.loads(os.pread(descriptor, size - start, start))
    except orjson.JSONDecodeError:
        os.ftruncate(descriptor, start)
    else:
        append(descriptor, b"\n")


def last_line(descriptor: int, size: int) -> int:
    """The start of the line that ends at `size`."""
    end = size
    while end > 0:
        begin = max(0, end - BLOCK)
        newline = os.pread(descriptor, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return 0
