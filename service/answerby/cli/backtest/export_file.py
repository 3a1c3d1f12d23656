"""Requests from an export and its mapping, read as a replay reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from answerby.cli.backtest.request_set import PackedRequest, RequestSet, WaitingRequest
from answerby.cli.period import Period
from answerby.cli.replay.mapping import Mapping
from answerby.cli.replay.planner import Planned
from answerby.cli.replay.refusals import Refusals
from answerby.cli.replay.source import Source
from answerby.domain.event import Value
from answerby.workbench.backtest.recorded_request import RecordedEvent

_encode = msgspec.msgpack.Encoder().encode


class _PackedRecording(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A RecordedRequest whose events are already encoded."""

    request_id: str
    events: list[msgspec.Raw]
    compared: bool = True
    known_facts: dict[str, Value] = {}


def read_export(
    file: Path, mapping: Mapping, tenant: str, limit: int, period: Period, request_set: RequestSet
) -> tuple[Source, Refusals]:
    """Adds every request of the file. Raises OSError, and CommandFailed for an unusable file."""
    refusals = Refusals()
    source = Source(file, mapping, tenant, refusals.add, limit)
    requests: dict[str, _PackedRecording] = {}
    first_events: dict[str, RecordedEvent] = {}
    seen: set[tuple[str, str]] = set()
    for order, planned in enumerate(source.plan()):
        event = planned.event
        if (event.source, event.id) in seen:
            refusals.add(planned.line, f"EVENT_ID_REUSED: an earlier row has the event id {event.id}", event.request_id)
            continue
        seen.add((event.source, event.id))
        recorded_event = RecordedEvent(event.time, order, msgspec.structs.replace(event, historical=False))
        first = first_events.setdefault(event.request_id, recorded_event)
        if recorded_event.moment < first.moment:
            first_events[event.request_id] = recorded_event
        request = requests.setdefault(event.request_id, _PackedRecording(request_id=event.request_id, events=[]))
        request.events.append(msgspec.Raw(_encode(recorded_event)))
        request.known_facts.update(known_facts(planned))
        request_set.partition.see(event)
        request_set.note_moment(event.time)
    for request_id, request in requests.items():
        start = first_events[request_id].moment
        if not period.begins_before_end(start):
            continue
        request.compared = period.holds(start)
        packed = PackedRequest(_encode(request), -1, request.compared)
        request_set.waiting.append(WaitingRequest(request_id, packed, start, len(request.events)))
    request_set.name = file.name
    return source, refusals


def known_facts(planned: Planned) -> dict[str, Value]:
    """The derived facts in the export. Clocks are left out, since the export may use other rules of time."""
    return {
        name: expected.value
        for name, expected in planned.expected.items()
        if not name.startswith("clocks.") and name != "status"
    }
