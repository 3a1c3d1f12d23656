"""Events as JSON lines: what `submit` takes and what the samples are written in.

    {"id": "e1", "source": "crm/eu", "type": "request.received", "time": "2026-11-20T09:00:00+08:00",
     "request_id": "4711", "actor": "customer", "facts": {"channel": "web", "text.body": "..."}}

`request_id` may be called `subject`, and `facts` `data`, as CloudEvents do. What may be left out: `source` (cli),
`type` (request.received), `actor` (customer), `time` (now), and `id` (made of the request, the type and the time).
An event may be sent again without harm if it names its `id` and its `time`.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from answerby.domain.event import EARLIEST, LATEST, ActorRole, Event, EventType, Value

KEYS = frozenset({"id", "source", "type", "time", "request_id", "subject", "actor", "actor_id", "facts", "data"})
ENVELOPE = frozenset({"specversion", "datacontenttype", "dataschema"})
"""Attributes of CloudEvents that are accepted and ignored."""


class Line(NamedTuple):
    """One line with its event, or with the reason why it has none. `number` counts from 1."""

    number: int
    event: Event | None
    refused: str = ""


class LineRefused(ValueError):
    """A line is no event. The message says why."""


def read_events(lines: Iterable[bytes], now: datetime) -> Iterator[Line]:
    """The events of all lines that are not blank. Events without a time get the time `now`."""
    for number, given in enumerate(lines, start=1):
        line = given.removeprefix(BOM_UTF8)
        if not line.strip():
            continue
        try:
            yield Line(number, event_of(orjson.loads(line), now))
        except orjson.JSONDecodeError as error:
            yield Line(number, None, f"not valid JSON: {error}")
        except LineRefused as error:
            yield Line(number, None, str(error))


def event_of(record: object, now: datetime) -> Event:
    """The event of one record. Raises LineRefused."""
    if not isinstance(record, dict):
        raise LineRefused("not a JSON object")
    if unknown := sorted(set(record) - KEYS - ENVELOPE):
        raise LineRefused(f'unknown keys {", ".join(unknown)}; facts belong into "facts"')
    request_id = text(record, "request_id") or text(record, "subject")
    if not request_id:
        raise LineRefused("request_id is missing")
    event_type = text(record, "type") or EventType.RECEIVED.value
    moment = time_of(record) or now
    return Event(
        source=text(record, "source") or "cli",
        id=text(record, "id") or f"{request_id}/{event_type}/{moment.astimezone(UTC).isoformat()}",
        type=event_type,
        time=moment,
        request_id=request_id,
        actor=actor_of(record),
        actor_id=text(record, "actor_id"),
        data=facts_of(record),
    )


def text(record: dict[str, object], key: str) -> str:
    value = record.get(key, "")
    if not isinstance(value, str):
        raise LineRefused(f"{key} must be text")
    return value


def time_of(record: dict[str, object]) -> datetime | None:
    value = text(record, "time")
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise LineRefused(f"time {value!r} is no ISO-8601 time") from None
    if moment.tzinfo is None:
        raise LineRefused(f"time {value!r} names no offset; write it such as 2026-11-20T09:00:00+08:00")
    if not EARLIEST <= moment < LATEST:
        raise LineRefused(f"time {value!r} is not between the years 1970 and 2199")
    return moment


def actor_of(record: dict[str, object]) -> ActorRole:
    value = text(record, "actor") or ActorRole.CUSTOMER.value
    try:
        return ActorRole(value)
    except ValueError:
        raise LineRefused(f"actor {value!r} is neither customer, agent nor system") from None


def facts_of(record: dict[str, object]) -> dict[str, Value]:
    facts = record.get("facts", record.get("data", {}))
    if not isinstance(facts, dict):
        raise LineRefused("facts must be an object")
    for name, value in facts.items():
        listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
        if not (value is None or isinstance(value, str | int | float | bool) or listed):
            raise LineRefused(f"facts.{name} must be text, a number, true, false, null or a list of texts")
    return facts
