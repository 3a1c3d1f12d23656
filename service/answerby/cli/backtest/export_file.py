"""Requests from an export and its mapping: the same reading as of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from answerby.cli.backtest.request_set import Gathered, Packed, Unit
from answerby.cli.period import Period
from answerby.cli.replay.mapping import Mapping
from answerby.cli.replay.planner import Planned
from answerby.cli.replay.source import Source
from answerby.domain.event import Value
from answerby.workbench.backtest.recorded_request import Happening

_encode = msgspec.msgpack.Encoder().encode


class _Packing(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A Story whose happenings are packed already."""

    request_id: str
    happenings: list[msgspec.Raw]
    compared: bool = True
    said: dict[str, Value] = {}


@dataclass
class Refusals:
    """Rows that are part of no request: how many, and the first ones."""

    shown: int = 20
    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, reason: str) -> None:
        self.count += 1
        if len(self.first) < self.shown:
            self.first.append((line, reason))


def gather_export(
    file: Path, mapping: Mapping, tenant: str, limit: int, period: Period, gathered: Gathered
) -> tuple[Source, Refusals]:
    """Adds every request of the file. Raises OSError, and CommandFailed for a file that cannot be used."""
    refusals = Refusals()
    source = Source(file, mapping, tenant, refusals.add, limit)
    stories: dict[str, _Packing] = {}
    began: dict[str, Happening] = {}
    seen: set[tuple[str, str]] = set()
    for order, planned in enumerate(source.plan()):
        event = planned.event
        if (event.source, event.id) in seen:
            refusals.add(planned.line, f"EVENT_ID_REUSED: an earlier row has the event id {event.id}")
            continue
        seen.add((event.source, event.id))
        happening = Happening(event.time, order, msgspec.structs.replace(event, historical=False))
        first = began.setdefault(event.request_id, happening)
        if happening.moment < first.moment:
            began[event.request_id] = happening
        story = stories.setdefault(event.request_id, _Packing(request_id=event.request_id, happenings=[]))
        story.happenings.append(msgspec.Raw(_encode(happening)))
        story.said.update(said(planned))
        gathered.partition.see(event)
        gathered.saw(event.time)
    for request_id, story in stories.items():
        start = began[request_id].moment
        if not period.begins_before_end(start):
            continue
        story.compared = period.holds(start)
        packed = Packed(_encode(story), -1, story.compared)
        gathered.units.append(Unit(request_id, packed, start, len(story.happenings)))
    gathered.name = file.name
    return source, refusals


def said(planned: Planned) -> dict[str, Value]:
    """What the export says of decided facts; not of clocks, which it may have run by other rules of time."""
    return {
        name: expected.value
        for name, expected in planned.expected.items()
        if not name.startswith("clocks.") and name != "status"
    }
