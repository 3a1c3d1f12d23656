"""Requests from a recording that `answerby export` wrote."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path

from answerby.cli.backtest.request_set import Gathered, Packed, Unit
from answerby.cli.fail import CommandFailed
from answerby.cli.period import Period
from answerby.workbench.backtest.recording import (
    RecordingDamaged,
    RecordingHeader,
    happenings_of,
    read_header,
    read_timeline,
)


def lines_of(file: Path) -> Iterator[bytes]:
    """Raises OSError, and CommandFailed for a packed file that is damaged."""
    opened = {".xz": lzma.open, ".gz": gzip.open}.get(file.suffix)
    try:
        with opened(file) if opened is not None else file.open("rb") as content:  # type: ignore[operator]
            yield from content
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise CommandFailed(f"{file}: the packed file is damaged: {error}") from error


def gather_recording(file: Path, limit: int, period: Period, gathered: Gathered) -> RecordingHeader:
    """Adds every request of the file. Raises OSError, and CommandFailed for a file that is no recording."""
    try:
        return gather_lines(lines_of(file), limit, period, gathered, file.name)
    except RecordingDamaged as error:
        raise CommandFailed(f"{file}: {error.message}") from error


def gather_lines(lines: Iterator[bytes], limit: int, period: Period, gathered: Gathered, name: str) -> RecordingHeader:
    """Adds every request after the header. Raises CommandFailed, RecordingDamaged."""
    header = read_header(next(lines, b""))
    if header is None:
        raise CommandFailed(f"{name} is no recording of `answerby export`; of another export name its --mapping")
    gathered.name = name
    add_lines(lines, header, limit, period, gathered, name)
    return header


def add_lines(
    lines: Iterable[bytes], header: RecordingHeader, limit: int, period: Period, gathered: Gathered, name: str
) -> None:
    """Adds the requests of the lines after the header. Raises CommandFailed for one that cannot be read."""
    within = Period(max(filter(None, (period.start, header.since))), period.end)
    for position, line in enumerate(lines):
        if limit and position >= limit:
            break
        if not line.strip():
            continue
        try:
            timeline = read_timeline(line)
        except RecordingDamaged as error:
            raise CommandFailed(f"{name}:{position + 2} {error.message}") from error
        happenings = happenings_of(timeline, 0)
        if not happenings or not within.begins_before_end(timeline.created):
            continue
        for happening in happenings:
            gathered.partition.see(happening.event)
        packed = Packed(line, position, within.holds(timeline.created))
        gathered.units.append(Unit(timeline.request_id, packed, happenings[0].moment, len(happenings)))
    gathered.saw(header.until)
    gathered.recorded = header.decisions
