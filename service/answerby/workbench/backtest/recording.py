"""A recording: the requests that a server has kept, with its decisions on each, as JSON lines.

    {"recording": 1, "tenant": "default", "since": "2026-03-01T00:00:00Z", "until": "2026-03-31T00:00:00Z"}
    {"request_id": "4711", "created": "...", "events": [...], "decisions": [...]}

The first line gives the period of the recording. Each other line is one request: every event that it had, in the order
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
"""The step in `order` from one request to the next. It is above the number of events of any request."""


class RecordingDamaged(AnswerbyError):
    """A line of the recording cannot be read. A new export helps."""

    reason = "RECORDING_DAMAGED"


class RecordingHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` and `until` bound when the requests were received. Earlier ones are there for counts only.

    `decisions` False: the recording holds the times of decisions only.
    """

    recording: int
    tenant: str
    since: datetime
    until: datetime
    decisions: bool = True


class DecidedAt(msgspec.Struct, frozen=True):
    """The part of a decision that gives the time at which an event was decided."""

    event_source: str
    event_id: str
    decided: datetime


class Timeline(msgspec.Struct, frozen=True):
    """The line of a request without its decisions."""

    request_id: str
    created: datetime
    events: list[Event]
    decisions: list[DecidedAt]
    number: str = ""


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The line of a request."""

    request_id: str
    created: datetime
    events: list[Event]
    """All events in the order decided, Answerby's own (such as timers) included."""
    decisions: list[Decision]
    number: str = ""


_header = msgspec.json.Decoder(RecordingHeader)
_timeline = msgspec.json.Decoder(Timeline)
_request = msgspec.json.Decoder(RequestRecord)
encode_line = msgspec.json.Encoder().encode


def read_header(line: bytes) -> RecordingHeader | None:
    """The header in a line. None if the line is no header. Raises RecordingDamaged for another version."""
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
    """The events from outside, each as of its decision. A replayed past event is as of its own time.

    Answerby's own events, such as timers, follow from the rules, so the replay makes them again.
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
    """The recorded request of a line. `position` is its index in the recording. Raises RecordingDamaged."""
    request = read_request(line) if with_decisions else read_timeline(line)
    return RecordedRequest(
        request_id=request.request_id,
        events=recorded_events(request, position * EVENTS_PER_REQUEST),
        compared=compared,
        number=request.number,
        decisions=request.decisions if isinstance(request, RequestRecord) else [],
    )
