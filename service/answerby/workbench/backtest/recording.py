"""A recording: the requests that a server has kept, with what it decided on each, as JSON lines.

    {"recording": 1, "tenant": "default", "since": "2026-03-01T00:00:00Z", "until": "2026-03-31T00:00:00Z"}
    {"request_id": "4711", "created": "...", "events": [...], "decisions": [...]}

The first line says what the recording holds. Each other line is one request: every event that it had, in the order
decided, and every decision on it. It holds what customers wrote, so keep it as you keep their requests.
"""

# Stays interpreted: it runs once per backtest or group, not once per decision.
from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from answerby.domain.decision import Decision
from answerby.domain.errors import AnswerbyError
from answerby.domain.event import INTERNAL_SOURCE, Event
from answerby.workbench.backtest.recorded_request import RecordedEvent, RecordedRequest

T = TypeVar("T")
VERSION = 1
EVENTS_PER_REQUEST = 1_000_000
"""Orders of the happenings of one request stay below those of the next."""


class RecordingDamaged(AnswerbyError):
    """A line of the recording cannot be read; export it again."""

    reason = "RECORDING_DAMAGED"


class RecordingHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` and `until` bound when the requests were received; earlier ones are there to be counted only.

    `decisions` False: it does not say what was decided, only when.
    """

    recording: int
    tenant: str
    since: datetime
    until: datetime
    decisions: bool = True


class DecidedAt(msgspec.Struct, frozen=True):
    """As much of a decision as tells when an event was decided."""

    event_source: str
    event_id: str
    decided: datetime


class Timeline(msgspec.Struct, frozen=True):
    """A recorded request without what was decided."""

    request_id: str
    created: datetime
    events: list[Event]
    decisions: list[DecidedAt]
    number: str = ""


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A recorded request."""

    request_id: str
    created: datetime
    events: list[Event]
    """All of them in the order decided, our own such as timers included."""
    decisions: list[Decision]
    number: str = ""


_header = msgspec.json.Decoder(RecordingHeader)
_timeline = msgspec.json.Decoder(Timeline)
_request = msgspec.json.Decoder(RequestRecord)
encode_line = msgspec.json.Encoder().encode


def read_header(line: bytes) -> RecordingHeader | None:
    """None when the line is no header of a recording. Raises RecordingDamaged for one of another version."""
    try:
        header = _header.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if header.recording != VERSION:
        raise RecordingDamaged(f"the recording is of version {header.recording}; this answerby reads {VERSION}")
    return header


def read_timeline(line: bytes) -> Timeline:
    """Raises RecordingDamaged."""
    return _read(_timeline, line)


def read_request(line: bytes) -> RequestRecord:
    """Raises RecordingDamaged."""
    return _read(_request, line)


def _read(decoder: msgspec.json.Decoder[T], line: bytes) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingDamaged(f"not a recorded request: {error}") from error


def recorded_events(timeline: Timeline | RequestRecord, first_order: int) -> list[RecordedEvent]:
    """What came from outside, each as of when it was decided; a replayed past event as of its own time.

    Our own events, such as timers, follow from the rules and are made again.
    """
    decided = {(d.event_source, d.event_id): d.decided for d in timeline.decisions}
    found = []
    for number, event in enumerate(timeline.events):
        if event.source.startswith(INTERNAL_SOURCE):
            continue
        moment = event.time if event.historical else decided.get((event.source, event.id), event.time)
        played = msgspec.structs.replace(event, historical=False) if event.historical else event
        found.append(RecordedEvent(moment, first_order + number, played))
    return found


def recorded_request(line: bytes, position: int, *, compared: bool, with_decisions: bool) -> RecordedRequest:
    """The story of a recorded line, the `position`-th of its recording. Raises RecordingDamaged."""
    request = read_request(line) if with_decisions else read_timeline(line)
    return RecordedRequest(
        request_id=request.request_id,
        events=recorded_events(request, position * EVENTS_PER_REQUEST),
        compared=compared,
        number=request.number,
        decisions=request.decisions if isinstance(request, RequestRecord) else [],
    )
