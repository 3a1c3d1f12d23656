"""Requests from a recording that `answerby export` wrote."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path

from answerby.cli.backtest.request_set import PackedRequest, RequestSet, WaitingRequest
from answerby.cli.fail import CommandFailed
from answerby.cli.period import Period
from answerby.workbench.backtest.recording import (
    RecordingDamaged,
    RecordingHeader,
    read_header,
    read_timeline,
    recorded_events,
)


def read_lines(file: Path) -> Iterator[bytes]:
    """Raises OSError, and CommandFailed for a damaged compressed file."""
    opened = {".xz": lzma.open, ".gz": gzip.open}.get(file.suffix)
    try:
        with opened(file) if opened is not None else file.open("rb") as content:  # type: ignore[operator]
            yield from content
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise CommandFailed(f"{file}: the packed file is damaged: {error}") from error


def read_recording(file: Path, limit: int, period: Period, request_set: RequestSet) -> RecordingHeader:
    """Adds every request of the file. Raises OSError, and CommandFailed for a file that is no recording."""
    try:
        return read_recording_lines(read_lines(file), limit, period, request_set, file.name)
    except RecordingDamaged as error:
        raise CommandFailed(f"{file}: {error.message}") from error


def read_recording_lines(
    lines: Iterator[bytes], limit: int, period: Period, request_set: RequestSet, name: str
) -> RecordingHeader:
    """Adds every request after the header. Raises CommandFailed, RecordingDamaged."""
    header = read_header(next(lines, b""))
    if header is None:
        raise CommandFailed(f"{name} is no recording of `answerby export`; of another export name its --mapping")
    request_set.name = name
    add_lines(lines, header, limit, period, request_set, name)
    return header


def add_lines(
    lines: Iterable[bytes], header: RecordingHeader, limit: int, period: Period, request_set: RequestSet, name: str
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
        events = recorded_events(timeline, 0)
        if not events or not within.begins_before_end(timeline.created):
            continue
        for recorded_event in events:
            request_set.partition.see(recorded_event.event)
        packed = PackedRequest(line, position, within.holds(timeline.created))
        request_set.waiting.append(WaitingRequest(timeline.request_id, packed, events[0].moment, len(events)))
    request_set.note_moment(header.until)
    request_set.recorded = header.decisions
